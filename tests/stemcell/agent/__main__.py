"""STAND-IN for the BOSH agent, for test stemcells only. It behaves like the real one (v2.874) towards settings,
privileges, mounts and disks, and speaks the same message bus, so that a machine can be tested without the real binary.

What it does not do:

| the real agent | the stand-in |
|---|---|
| NATS, heartbeats, alerts | https message bus only; another one ends it |
| settings sources HTTP, ConfigDrive, CDROM, ... | File only; another one ends it |
| networks that are not preconfigured | ends it; `vip` is ignored |
| partitions, formatting | as with UsePreformattedPersistentDisk and BindMountPersistentDisk |
| disk setup, /tmp on the ephemeral disk | as with SkipDiskSetup and UseDefaultTmpDir |
| env.bosh: ipv6, job_dir.tmpfs, agent.settings.tmpfs | ends it |
| env.bosh: remove_dev_tools, remove_static_libraries, swap_size, parallel | ignored |
| update_settings, sync_dns, ssh, logs, run_errand, dynamic disks, signed URLs, upload_blob | "unknown message" |
| blobstores | only what was PUT on the message bus |
| firewall rules for monit and NATS | none |
| monit 5.2.5 | monit.py beside this file, see its table |
| vitals | none: get_state "full" is get_state |
| cancel_task | refused while a task runs |
| tar archives of any compression | those that the machine's tar knows (gzip, none) |
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from . import bundles, monit
from .actions import Action, Dispatcher
from .bootstrap import Bootstrap
from .bus import Bus
from .compiler import Compiler
from .disks import Disks
from .errors import AgentError, wrap
from .jobs import Jobs
from .monit_client import Monit
from .mounts import Mounter
from .services import Services
from .settings import Store, blobstore, check_blobstore, mbus_certificate, mbus_url, settings_path
from .shell import run


def panic() -> None:
    """The real agent does not survive a panic in an action; its supervisor starts it again."""
    os._exit(2)


def actions(store: Store, disks: Disks, jobs: Jobs) -> dict[str, Action]:
    """Every method by name."""

    def get_state(*_filters: str) -> dict[str, Any]:
        spec = jobs.spec()
        state, processes = jobs.state()
        listed = {"processes": processes} if processes else {}
        name = (store.settings.get("vm") or {}).get("name") or ""
        return spec | {"agent_id": store.settings["agent_id"], "job_state": state, "vm": {"name": name}} | listed

    def shutdown() -> str:
        run("shutdown", "-P", "0")
        return ""

    of_jobs = ("apply", "prepare", "start", "stop", "drain", "run_script")
    of_disks = (
        "add_persistent_disk", "remove_persistent_disk", "list_disk", "mount_disk", "unmount_disk", "migrate_disk",
    )  # fmt: skip
    return {
        "ping": lambda: "pong",
        "info": lambda: {"api_version": 1},
        "get_state": get_state,
        "shutdown": shutdown,
        "compile_package": Compiler().compile_package,
        **{name: getattr(jobs, name) for name in of_jobs},
        **{name: getattr(disks, name) for name in of_disks},
    }


def serve(agent_json: Path) -> None:
    """Takes the machine into use and answers for ever.

    Raises:
        AgentError: a step of the bootstrap failed.
    """
    config = json.loads(agent_json.read_text())
    options = (config.get("Platform") or {}).get("Linux") or {}
    store = Store(settings_path(config))
    mounter = Mounter(run)
    disks = Disks(store, mounter)
    services = Services(options.get("ServiceManager") or "")
    Bootstrap(store, options, mounter, disks, services).run()
    check_blobstore(blobstore(store.settings))
    dispatcher = Dispatcher(actions(store, disks, Jobs(store, Monit(services))), panic)
    with wrap("Starting https handler"):
        bus = Bus(mbus_url(store.settings), mbus_certificate(store.settings), dispatcher.dispatch, bundles.BLOBS)
    print("Listening", flush=True)
    bus.serve_forever()


def main() -> None:
    """Entry of bosh-agent (-P and -C as the real one) and, under the name monit, of the stand-in monit."""
    threading.excepthook = lambda args: traceback.print_exception(args.exc_value)
    if Path(sys.argv[0]).name == "monit":
        monit.main()
    parser = argparse.ArgumentParser(description="Stand-in for the BOSH agent")
    parser.add_argument("-P", dest="platform", required=True, choices=["ubuntu"])
    parser.add_argument("-C", dest="config", required=True, type=Path)
    arguments = parser.parse_args()
    print("Starting agent (stand-in)", flush=True)
    try:
        serve(arguments.config)
    except (AgentError, OSError) as failure:
        print(f"App setup: {failure}", flush=True)
        sys.exit(1)
