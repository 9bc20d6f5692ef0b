"""MAX by its official Bot API: polling or webhook, over a thin client of our own."""
