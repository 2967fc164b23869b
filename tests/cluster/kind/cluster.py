"""The test cluster: `python3 tests/cluster/kind/cluster.py up`. `--help` lists the commands. Standard library only."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder above makes the package `kind` importable without an installation.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    sys.exit(importlib.import_module("kind.cli").main(sys.argv[1:]))
