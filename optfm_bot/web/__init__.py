"""The one HTTP server: status, health, metrics, webhooks, and the pages of channels that have some."""
