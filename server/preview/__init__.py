"""Photos that follow a rig: pictures of states, over one WebSocket, made in a process of its own."""
