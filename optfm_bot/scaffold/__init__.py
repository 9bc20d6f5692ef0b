"""Packages that `optfm-bot new-…` writes: templates, and the pure code that fills them in."""
