"""A Telegram group with topics as a helpdesk: one topic for each customer, agents answer in it."""
