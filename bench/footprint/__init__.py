"""What the footprint part stores, and where."""
