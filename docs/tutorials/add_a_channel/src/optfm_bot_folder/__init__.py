"""A folder of letters as a channel of optfm-bot."""
