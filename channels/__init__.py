"""Channels: the message model, the contract of a channel, rendering, and the built-in adapters."""
