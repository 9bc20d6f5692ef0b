"""The store: units of work, group commit, SQL and in-memory implementations of one contract."""
