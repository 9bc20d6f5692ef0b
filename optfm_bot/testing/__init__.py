"""Tools for tests of a bot: the whole house in memory, with people who type and press buttons."""
