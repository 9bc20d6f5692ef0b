"""Telling our own people of requests: by mail, in a messenger, wherever apprise reaches."""
