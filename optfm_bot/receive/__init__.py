"""Receiving: each channel is opened, polled or subscribed under supervision, and its state can be seen."""
