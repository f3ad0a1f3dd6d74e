"""The ``segs`` command."""
