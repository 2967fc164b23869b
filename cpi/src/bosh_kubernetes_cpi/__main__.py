"""`bosh-kubernetes-cpi CONFIG.json`: answer the one BOSH request on standard input. With a command of the tool: serve a
person.
"""

from __future__ import annotations

import gc
import sys

USAGE = """\
usage: bosh-kubernetes-cpi CONFIG.json < REQUEST.json
       bosh-kubernetes-cpi doctor | orphans | explain | stemcell light [--help]
       bosh-kubernetes-cpi --version

The BOSH Cloud Provider Interface for Kubernetes: reads one JSON request from standard
input, writes one JSON answer to standard output, lines of progress to standard error.

  echo '{"method":"info","arguments":[],"context":{}}' | bosh-kubernetes-cpi CONFIG.json

CONFIG.json holds the connection to the cluster and the agents' settings; its keys are
described in docs/configuration.md.

The commands are for people, and described in docs/tool.md:

  doctor          whether cluster, account, operator and registry are as the CPI needs them
  orphans         what no Director of a list owns
  explain CID     what a machine, disk, snapshot or stemcell is, and its story
  stemcell light  a stemcell tarball that names a published image
"""

TOOL = ("doctor", "orphans", "explain", "stemcell")


def main() -> int:
    """The exit code: 64 for a wrong command line. A request is answered with 0, and the process ends then and there."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0
    if arguments == ["--version"]:
        from bosh_kubernetes_api.version import VERSION

        sys.stdout.write(f"bosh-kubernetes-cpi {VERSION}\n")
        return 0
    if arguments and arguments[0] in TOOL:
        from .tool.main import run

        return run(arguments)
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 64
    # Imports make no garbage: looking for it takes a twentieth of a call.
    gc.set_threshold(50_000)
    from .doorway import serve

    return serve(arguments[0])


if __name__ == "__main__":
    sys.exit(main())
