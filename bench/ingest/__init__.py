"""Readings, and those who take them: SEGS, bare statements, peers."""
