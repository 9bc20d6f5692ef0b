"""The domain: what is said and decided, as pure functions. No I/O, no clock, nothing else of the house."""
