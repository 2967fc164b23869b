"""`bosh-kubernetes-cpi CONFIG.json`: answer the one BOSH request on standard input."""

from __future__ import annotations

import gc
import sys

USAGE = """\
usage: bosh-kubernetes-cpi CONFIG.json < REQUEST.json
       bosh-kubernetes-cpi --version

The BOSH Cloud Provider Interface for Kubernetes: reads one JSON request from standard
input, writes one JSON answer to standard output, lines of progress to standard error.

  echo '{"method":"info","arguments":[],"context":{}}' | bosh-kubernetes-cpi CONFIG.json

CONFIG.json holds the connection to the cluster and the agents' settings; its keys are
described in docs/configuration.md.
"""


def main() -> int:
    """The exit code: 64 for a wrong command line. A request is answered with 0, and the process ends then and there."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0
    if arguments == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"bosh-kubernetes-cpi {version('bosh-kubernetes-cpi')}\n")
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 64
    # Imports make no garbage: looking for it takes a twentieth of a call.
    gc.set_threshold(50_000)
    from .doorway import serve

    return serve(arguments[0])


if __name__ == "__main__":
    sys.exit(main())
