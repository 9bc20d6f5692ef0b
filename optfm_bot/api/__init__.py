"""The REST API: other programs send messages through the bot's channels, look at them and service them."""
