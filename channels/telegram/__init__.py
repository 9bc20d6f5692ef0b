"""Telegram: polling or webhook, over a thin client; aiogram sends files and may send everything."""
