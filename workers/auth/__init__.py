"""The auth worker: registration, sign-in, sessions."""
