"""FreeScout as a helpdesk, by its API & Webhooks module."""
