"""Runs the whole SEGS platform on one machine, and holds the ``segs`` command."""
