"""A shelf of files as a helpdesk."""
