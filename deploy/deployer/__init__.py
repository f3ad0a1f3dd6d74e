"""Brings a database to this checkout."""
