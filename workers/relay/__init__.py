"""The relay: one reader of the event log, one WebSocket a client, nothing missed in between."""
