"""The clients of the fan-out part, and the peer it is compared with."""
