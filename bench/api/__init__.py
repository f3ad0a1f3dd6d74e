"""What the API part loads and asks."""
