"""A balancer before a webhook: one address for the platform, several processes behind it, taken in turn."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


class Balancer:
    """Says where a request to the webhook's address goes. Without processes it goes to the address itself."""

    def __init__(self) -> None:
        self._processes: tuple[str, ...] = ()
        self._turn = 0

    def share(self, processes: Sequence[str]) -> None:
        """Send requests to these processes (`http://127.0.0.1:8081`) in turn from now on; none ends that.

        Raises `ValueError` for what is no address of HTTP.
        """
        for one in processes:
            if not one.startswith(("http://", "https://")):
                raise ValueError(f"a process has an address like http://127.0.0.1:8081, not {one!r}")
        self._processes = tuple(one.rstrip("/") for one in processes)

    def place(self, url: str) -> str:
        """The address for the next request: that of the next process, with the path of `url`."""
        if not self._processes:
            return url
        self._turn = (self._turn + 1) % len(self._processes)
        asked = urlsplit(url)
        return f"{self._processes[self._turn]}{asked.path}{'?' if asked.query else ''}{asked.query}"
