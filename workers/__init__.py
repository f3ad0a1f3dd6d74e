"""The Python edge of SEGS: workers that take HTTP in and push WebSocket out. Business logic is in db/."""
