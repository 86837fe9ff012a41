"""``semblance live``: a WebSocket that says what the tracker sees, in the tracker's own process."""
