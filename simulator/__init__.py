"""Meter traffic for SEGS, produced through its public interfaces only."""
