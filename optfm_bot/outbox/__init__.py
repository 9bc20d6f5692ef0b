"""The outbox: what was promised in a transaction is sent afterwards, in order, paced, and settled by reaction."""
