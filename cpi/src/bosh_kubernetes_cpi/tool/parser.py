"""The tool's command line. docs/tool.md has the help texts (`make docs`)."""

from __future__ import annotations

import argparse
import os

CONFIG = "BOSH_KUBERNETES_CPI_CONFIG"  # environment variable: the file without --config

COMMANDS = ("doctor", "orphans", "explain", "stemcell light")
CODES = """\
exit codes:
  0    fine
  1    findings: a failure, an orphan, no such CID
  2    wrong use
  3    it could not look: configuration, connection, rights
  70   a fault of the tool itself; please report it
  130  interrupted
"""
DOCTOR = """\
Checks what the CPI needs, and says a line for each: ok, warning or failure, with the remedy. Looks only: it asks for
reviews of rights and for dry runs, and changes nothing. With --probe it also uploads an image of a few bytes to the
registry, has a node pull it, and lets a short-lived privileged Pod prove mount propagation; all of that is removed
again, also when it is interrupted.

With --config the account of that file is checked; --kubeconfig or --context then name your own, for what the CPI's may
not do: reading the namespace, Pods of the probe. Without --config your own is checked.
"""
ORPHANS = """\
Lists machines, disks, snapshots and stemcells that none of the given Directors owns. Name every Director of the
namespace, create-env's state files among them: the machine of a Director belongs to the environment that made it.

--delete deletes them, by the CPI's own methods, but never what is in use (a machine whose guest may run, a disk that
a machine has, a stemcell of a machine) nor what is younger than --min-age; and nothing at all when a Director is named
that owns nothing in the namespace: its UUID may be wrong.
"""
EXPLAIN = """\
Says what a CID is (a machine, disk, snapshot or stemcell), where it runs, what it is made of and how it is, and tells
its story from Events and conditions in the order of time. Events last an hour in most clusters.
"""
LIGHT = """\
Writes a light stemcell: a tarball of a few hundred bytes that names a published image by its digest. Nodes pull that
image, and nothing is uploaded. What IMAGE's tag stands for is asked of its registry, as create_stemcell would do it.
The same image and options give the same bytes.

Name, version and operating system come from the options, else from the image's labels and annotations
(org.opencontainers.image.title and .version), else from a reference like that of the Ubuntu stemcells,
ghcr.io/cloudfoundry/ubuntu-noble-stemcell:1.165.
A registry that asks for an account is the one in the section `registry` of --config.
"""


class _Format(argparse.RawDescriptionHelpFormatter):
    """The same text on every terminal, so that the page can have it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=110, max_help_position=28)


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="bosh-kubernetes-cpi", formatter_class=_Format, epilog=CODES)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _doctor(_command(commands, "doctor", "check what the CPI needs", DOCTOR, "[--config FILE] [--probe]"))
    _orphans(_command(commands, "orphans", "what no Director owns", ORPHANS, "--director UUID... [--delete]"))
    _explain(_command(commands, "explain", "what a CID is, and its story", EXPLAIN, "CID"))
    stemcell = commands.add_parser("stemcell", help="make a stemcell", formatter_class=_Format, epilog=CODES)
    kinds = stemcell.add_subparsers(dest="kind", required=True, metavar="COMMAND")
    _light(
        _command(kinds, "light", "one that names a published image", LIGHT, "IMAGE[:TAG][@DIGEST]", "stemcell light")
    )
    return whole


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    brief: str,
    text: str,
    usage: str,
    path: str = "",
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name,
        help=brief,
        description=text,
        usage=f"bosh-kubernetes-cpi {path or name} {usage} [options]",
        formatter_class=_Format,
        epilog=CODES,
    )
    made.add_argument("--output", choices=("table", "json"), default="table", help="for people or for programs")
    return made


def _cluster(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("which cluster, and as whom")
    group.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get(CONFIG, ""),
        help=f"the CPI's own file, cpi.json, or its properties in a .yml (default: ${CONFIG})",
    )
    group.add_argument("--kubeconfig", metavar="FILE", default="", help="default: $KUBECONFIG, else ~/.kube/config")
    group.add_argument("--context", metavar="NAME", default="", help="of the kubeconfig (default: its current one)")
    group.add_argument(
        "--namespace",
        metavar="NAME",
        default="",
        help="of the machines (default: as the CPI's: of the file, of the context, bosh-machines)",
    )


def _doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument("--probe", action="store_true", help="also prove push, pull and mount propagation")
    command.add_argument("--node", metavar="NAME", default="", help="where to probe (default: the scheduler's choice)")
    command.add_argument(
        "--image",
        metavar="IMAGE",
        default="",
        help="with a shell, mount and umount, for the probe (default: a stemcell's, else the operator's)",
    )
    command.add_argument(
        "--host-directory",
        metavar="PATH",
        default="/var/lib/bosh-kubernetes",
        help="the operator's, on the nodes (default: %(default)s)",
    )
    _cluster(command)


def _orphans(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--director",
        metavar="UUID",
        action="append",
        default=[],
        help="one that owns what it made; may be given several times",
    )
    command.add_argument(
        "--director-from",
        metavar="FILE",
        action="append",
        default=[],
        help="the same, from the answer of `bosh env --json` or create-env's state file; - is standard input",
    )
    command.add_argument(
        "--no-director", action="store_true", help="none is left that owns anything: all there is are orphans"
    )
    command.add_argument("--delete", action="store_true", help="delete them; asks on a terminal, else needs --yes")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument(
        "--min-age",
        metavar="MINUTES",
        type=_whole,
        default=60,
        help="what is younger is not deleted: a call may be at it (default: %(default)s)",
    )
    _cluster(command)


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("cid", metavar="CID", help="of a machine, disk, snapshot or stemcell")
    _cluster(command)


def _light(command: argparse.ArgumentParser) -> None:
    command.add_argument("image", metavar="IMAGE", help="[host/]repository[:tag][@sha256:digest]")
    command.add_argument("--name", metavar="NAME", default="", help="of the stemcell")
    command.add_argument("--version", metavar="VERSION", default="", help="of the stemcell")
    command.add_argument("--os", metavar="NAME", default="", help="operating system, as ubuntu-noble")
    command.add_argument("--architecture", metavar="NAME", default="", help="x86_64 or aarch64 (default: the image's)")
    command.add_argument(
        "--api-version", metavar="N", type=_whole, default=3, help="of the stemcell's agent (default: %(default)s)"
    )
    command.add_argument(
        "--format",
        metavar="NAME",
        action="append",
        default=[],
        help="stemcell format; may be given several times (default: kubernetes-light, docker-light)",
    )
    command.add_argument(
        "--file", metavar="PATH", default="", help="to write (default: NAME-VERSION.tgz, light- before it)"
    )
    command.add_argument(
        "--config",
        metavar="FILE",
        default=os.environ.get(CONFIG, ""),
        help=f"the same as for doctor, for its section registry (default: ${CONFIG})",
    )
    command.set_defaults(kubeconfig="", context="", namespace="")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def help_text(command: str) -> str:
    """What `bosh-kubernetes-cpi COMMAND --help` prints; `command` is one of COMMANDS."""
    found = parser()
    for word in command.split():
        [choices] = [each for each in found._actions if isinstance(each, argparse._SubParsersAction)]
        found = choices.choices[word]
    return found.format_help()
