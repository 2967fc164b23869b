"""The bosh CLI's create-env, delete-env and int, as far as the tests use them:

    python -m tests.e2e.driver create-env|delete-env MANIFEST --state FILE [--recreate] [--bosh-init]
    python -m tests.e2e.driver int FILE [--path PATH]

each with -o OPS_FILE, -v NAME=VALUE, -l VARIABLES_FILE, --vars-store FILE. Sends to CPI and agent what bosh-cli v7.10
sends, in its order, and keeps a state file of its shape. It stands in for the client in tests; it takes one instance
group with one instance, and file:// urls.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.driver import manifest, patch
from tests.e2e.driver.bosh_init import OldCloud
from tests.e2e.driver.cloud import Cloud
from tests.e2e.driver.environment import Environment
from tests.e2e.driver.errors import DriverError, ManifestError
from tests.e2e.driver.variables import interpolate


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests.e2e.driver", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("create-env", "delete-env", "int"):
        command = commands.add_parser(name)
        command.add_argument("manifest", type=Path)
        command.add_argument("-o", "--ops-file", action="append", default=[], type=Path)
        command.add_argument("-v", "--var", action="append", default=[])
        command.add_argument("-l", "--vars-file", action="append", default=[], type=Path)
        command.add_argument("--vars-store", type=Path)
        if name == "int":
            command.add_argument("--path", default="", help="print what is there only")
        else:
            command.add_argument("--state", type=Path, required=True, help="state file")
            command.add_argument("--recreate", action="store_true", help="deploy though nothing has changed")
            command.add_argument("--bosh-init", action="store_true", help="call the CPI as bosh-init of 2018 did")
    arguments = parser.parse_args()
    try:
        return run(arguments)
    except DriverError as error:
        print(f"Failed: {error}", file=sys.stderr)
        return 1


def run(arguments: argparse.Namespace) -> int:
    if arguments.command == "int":
        document, _ = evaluate(arguments)
        found = patch.find(document, arguments.path) if arguments.path else document
        print(found if isinstance(found, str) else yaml.safe_dump(found).rstrip("\n"))
        return 0
    if arguments.command == "delete-env" and not arguments.state.exists():
        print("No deployment state file found.")
        return 0
    document, missing = evaluate(arguments)
    if missing:
        raise ManifestError(f"expected to find variables: {', '.join(sorted(missing))}")
    calls = OldCloud if arguments.bosh_init else Cloud
    environment = Environment(manifest.load(arguments.manifest, document), arguments.state, calls=calls)
    if arguments.command == "create-env":
        environment.create(recreate=arguments.recreate)
    else:
        environment.delete()
    print("Succeeded")
    return 0


def evaluate(arguments: argparse.Namespace) -> tuple[Any, set[str]]:
    """The manifest after operations and variables, and the names of variables without a value."""
    document = yaml.safe_load(arguments.manifest.read_text())
    for path in arguments.ops_file:
        document = patch.apply(document, patch.load_operations(path))
    given: dict[str, Any] = {}
    for path in arguments.vars_file:
        given.update(yaml.safe_load(path.read_text()))
    for pair in arguments.var:
        name, _, value = pair.partition("=")
        given[name] = yaml.safe_load(value)
    return interpolate(document, given, arguments.vars_store)


if __name__ == "__main__":
    sys.exit(main())
