"""A CPI process and its peak of resident memory."""

import subprocess
import sys
from typing import Any, NamedTuple

from tests.support.cpi_process import COMMAND, ENVIRONMENT

# Prints the peak of the process that it starts. A parent as large as pytest would be counted as the process's own.
MEASURE = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
print(os.wait4(child, 0)[2].ru_maxrss, file=sys.stderr)
"""


class Measured(NamedTuple):
    answer: bytes
    said: bytes  # on standard error
    peak: int  # KiB


def measured(cpi: Any, method: str, *arguments: Any) -> Measured:
    """One call of the CPI in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *COMMAND, str(cpi.config)],
        input=cpi.request(method, *arguments),
        capture_output=True,
        env=ENVIRONMENT,
        check=True,
    )
    *said, peak = done.stderr.splitlines(keepends=True)
    return Measured(done.stdout, b"".join(said), int(peak))
