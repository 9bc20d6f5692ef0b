"""OptFM bot: the house that joins channels and the FAQ. Third parties import `optfm_bot.sdk` only."""

__version__ = "0.1.0"
