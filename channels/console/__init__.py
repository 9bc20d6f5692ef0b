"""The terminal as a channel: for trying answers out, and as the example of a small channel."""
