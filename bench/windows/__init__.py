"""What the windows part fills its databases with."""
