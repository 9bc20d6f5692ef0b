"""The heap: what was thrown away goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path
from optfm_bot.heap import give_back

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1])

kept, thrown = [], []
for number in range(20_000):          # blocks too large for Python's own pools, every fiftieth of them kept
    (thrown if number % 50 else kept).append(bytearray(3_000))
full = anonymous()
del thrown
freed = anonymous()
given = give_back()
print(given, full - freed, freed - anonymous())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory a process has")
def test_what_lies_below_something_that_is_used_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    given, before, by_us = done.stdout.split()
    if given == "False":
        pytest.skip("the C library is not glibc")
    assert int(by_us) > 20_000 > int(before), done.stdout
