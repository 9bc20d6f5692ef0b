"""Helpdesks: where people answer what the bot cannot."""
