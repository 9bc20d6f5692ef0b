"""The conformance kit: what every channel promises, as checks to inherit in pytest.

Here is what needs nothing but `channels`; `optfm_bot.testing.conformance` adds the checks that need the house and joins
all of them in `ChannelConformance`, which is what a package outside of this project subclasses.
"""
