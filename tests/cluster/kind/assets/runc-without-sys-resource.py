#!/usr/bin/python3 -IS
"""runc for a machine that has no CAP_SYS_RESOURCE: takes what would need it out of a container's files, then runs runc.

Taken out: the capability itself, rlimits that would have to be raised, and negative OOM scores.
"""

import json
import os
import sys

RUNC = "/usr/sbin/runc"


def option(names, default):
    """Value of an option given as `--name value` or `--name=value`."""
    for position, argument in enumerate(sys.argv):
        if argument in names and position + 1 < len(sys.argv):
            return sys.argv[position + 1]
        for name in names:
            if argument.startswith(name + "="):
                return argument[len(name) + 1 :]
    return default


def strip(process):
    for kind, names in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in names or () if name != "CAP_SYS_RESOURCE"]
    process.pop("rlimits", None)
    if (process.get("oomScoreAdj") or 0) < 0:
        process["oomScoreAdj"] = 0


def rewrite(path, part):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    strip(document[part] if part else document)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


command = next((word for word in sys.argv[1:] if word in ("create", "run", "exec")), "")
if command == "exec":
    process_file = option(("--process", "-p"), "")
    if process_file:
        rewrite(process_file, "")
elif command:
    rewrite(os.path.join(option(("--bundle", "-b"), "."), "config.json"), "process")
os.execv(RUNC, ["runc", *sys.argv[1:]])
