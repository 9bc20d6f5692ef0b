"""Fakes of the platforms and the conformance suite of channels, for those who write channels."""
