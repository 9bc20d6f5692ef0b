"""Load on the whole bot: its own processes, a fake of a platform, and a judge of what people saw."""
