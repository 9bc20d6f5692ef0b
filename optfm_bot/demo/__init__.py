"""The demo: a sample knowledge base of a wholesale shop, and templates for a new one."""
