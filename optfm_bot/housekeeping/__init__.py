"""Housekeeping: what is old goes, copies are made and brought back, while the bot answers."""
