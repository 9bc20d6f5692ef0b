"""What the house shows of itself: logs without secrets, metrics, and what belongs together."""
