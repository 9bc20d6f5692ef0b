"""The heap: what was freed goes back to the system, where the C library can be asked for that."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> bool:
    """Give freed memory back to the system; false where the C library has no way to (it is not glibc).

    Call it after work that makes much and throws it away, like building an index: glibc keeps what lies below
    anything that is still used. It takes about a millisecond for a hundred megabytes.
    See `malloc_trim` in the manual of the GNU C Library.
    """
    if sys.platform != "linux":
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the libraries that the process has loaded
    if trim is None:
        return False
    trim(0)
    return True
