"""create-env without the bosh CLI: `python -m tests.e2e.driver create-env|delete-env MANIFEST --state FILE`.

Sends to CPI and agent what bosh-cli v7.10 sends, in its order, and keeps a state file of its shape. It stands in for
the client in tests; it takes one instance group with one instance, file:// urls, no variables, and jobs without
packages.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.e2e.driver import manifest
from tests.e2e.driver.bosh_init import OldCloud
from tests.e2e.driver.cloud import Cloud
from tests.e2e.driver.environment import Environment
from tests.e2e.driver.errors import DriverError


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.e2e.driver", description=__doc__)
    parser.add_argument("command", choices=["create-env", "delete-env"])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--state", type=Path, required=True, help="state file")
    parser.add_argument("--recreate", action="store_true", help="deploy though nothing has changed")
    parser.add_argument("--bosh-init", action="store_true", help="call the CPI as bosh-init of 2018 did")
    arguments = parser.parse_args()
    try:
        if arguments.command == "delete-env" and not arguments.state.exists():
            print("No deployment state file found.")
            return 0
        calls = OldCloud if arguments.bosh_init else Cloud
        environment = Environment(manifest.load(arguments.manifest), arguments.state, calls=calls)
        if arguments.command == "create-env":
            environment.create(recreate=arguments.recreate)
        else:
            environment.delete()
    except DriverError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 1
    print("Succeeded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
