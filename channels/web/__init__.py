"""The web chat: a page of our own, fed by server-sent events."""
