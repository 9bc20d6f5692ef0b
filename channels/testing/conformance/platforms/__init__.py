"""The built-in channels' other sides: strict fakes, a keyboard and a page, in the hands of the conformance checks."""
