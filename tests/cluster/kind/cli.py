"""Commands of the test cluster's tool."""

import argparse
import os
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from . import cache, create, engine, images, machine, preflight, programs, restart, say, storage
from .create import Cluster
from .errors import ClusterError


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code. A ClusterError is one message, not a traceback."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an orderly end, as for Ctrl-C
    try:
        code: int = options.command(options) or 0
    except ClusterError as error:
        say.line(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say.line("interrupted; the same command goes on from here")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable[[argparse.Namespace], int | None], name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        added.add_argument(
            "--name",
            default=os.environ.get("BOSH_CLUSTER", "bosh-dev"),
            help="name of the cluster (default: %(default)s)",
        )
        return added

    def with_nodes(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--nodes", type=int, choices=(1, 3), default=1, help="one node, or a control plane and two workers"
        )

    with_nodes(command(_up, "up", "bring the cluster up; nothing to do when it is"))
    command(_down, "down", "remove the cluster and its volumes")
    with_nodes(command(_status, "status", "say whether the cluster is up; exit code 1 when not"))
    with_nodes(command(_preflight, "preflight", "say what is wrong with this machine, with the cure"))
    command(_env, "env", 'print exports for a shell: eval "$(cluster.py env)"')
    command(_load, "load", "load images into every node").add_argument(
        "image", nargs="+", help="archive, or name in the engine"
    )
    command(_stop, "stop-node", "cut the power of a node's container").add_argument("node")
    command(_start, "start-node", "start a node's container that was stopped").add_argument("node")
    command(_restart, "restart-node", "restart a node's container as a machine restarts").add_argument("node")
    command(_program, "program", "print the path of a program, built if need be").add_argument(
        "program", choices=sorted(name for family in programs.FAMILIES.values() for name in family.packages)
    )
    added = command(_clean, "clean", "remove all clusters and stop our own engine")
    added.add_argument("--cache", action="store_true", help="remove everything built, too")
    return parser


def _up(options: argparse.Namespace) -> None:
    cluster = Cluster(options.name)
    wrong = create.state(cluster, options.nodes)
    if not wrong:
        say.line(f"{cluster.name} is up")
        return
    with cache.locked():
        cache.sweep()
        wrong = create.state(cluster, options.nodes)  # another run may have brought it up meanwhile
        if not wrong:
            say.line(f"{cluster.name} is up")
            return
        if _check(options.nodes):
            raise ClusterError("this machine cannot run the test cluster, see above")
        found = engine.ensure()
        tools = create.tools()
        if cluster.kubeconfig.exists():
            say.line(f"{cluster.name} {wrong}: it is made again")
        _remove(found, cluster, tools["kind"])
        image, archives = create.prepare(found)
        if not archives:
            storage.build_on_official(found)
        create.create(found, cluster, options.nodes, image, tools["kind"])
        for name in (images.REGISTRY_IMAGE, images.CSI_IMAGE, *([] if archives else [images.TEST_IMAGE])):
            with say.step(f"load {name}"):
                create.load(found, cluster, str(archives.get(name, name)), tools["kind"])
        with say.step("storage"):
            storage.install(cluster)
        cluster.whole.touch()
        say.summary(cache.root() / "run" / f"{cluster.name}.times.json")
    say.line(f"{cluster.name} is up; KUBECONFIG={cluster.kubeconfig}")


def _check(nodes: int) -> bool:
    """Print what the preflight finds; true when something fatal is among it."""
    found = preflight.judge(machine.facts(), nodes)
    for finding in found:
        say.line(str(finding))
    return any(finding.fatal for finding in found)


def _preflight(options: argparse.Namespace) -> int:
    if _check(options.nodes):
        return 1
    say.line("this machine can run the test cluster")
    return 0


def _remove(found: engine.Engine, cluster: Cluster, kind: Path) -> None:
    create.delete(found, cluster, kind)
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _down(options: argparse.Namespace) -> None:
    cluster = Cluster(options.name)
    with cache.locked():
        found = engine.running()
        if found is not None:
            with say.step(f"remove {cluster.name}"):
                _remove(found, cluster, programs.link_folder() / "kind")
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _status(options: argparse.Namespace) -> int:
    cluster = Cluster(options.name)
    wrong = create.state(cluster, options.nodes)
    print(f"{cluster.name} {wrong or 'is up'}")
    return 1 if wrong else 0


def _engine() -> engine.Engine:
    found = engine.running()
    if found is None:
        raise ClusterError("no container engine answers: run `cluster.py up`")
    return found


def _env(options: argparse.Namespace) -> None:
    cluster = Cluster(options.name)
    values = {**_engine().env, "KUBECONFIG": str(cluster.kubeconfig), "BOSH_CLUSTER": cluster.name}
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(str(programs.link_folder()))}:"$PATH"')


def _load(options: argparse.Namespace) -> None:
    with say.step(f"load {' '.join(options.image)}"):
        for image in options.image:
            create.load(_engine(), Cluster(options.name), image, programs.link_folder() / "kind")


def _restart(options: argparse.Namespace) -> None:
    restart.restart_node(_engine(), Cluster(options.name), options.node)


def _stop(options: argparse.Namespace) -> None:
    restart.stop_node(_engine(), options.node)


def _start(options: argparse.Namespace) -> None:
    restart.start_node(_engine(), Cluster(options.name), options.node)


def _program(options: argparse.Namespace) -> None:
    with cache.locked():
        cache.sweep()
        path = programs.on_path(options.program) or programs.build([options.program])[options.program]
    print(path)


def _clean(options: argparse.Namespace) -> None:
    with cache.locked():
        found = engine.running()
        for folder in sorted((cache.root() / "run").glob("*/")):
            cluster = Cluster(folder.name)
            if found is not None:
                _remove(found, cluster, programs.link_folder() / "kind")
        engine.stop()
        if options.cache:
            with say.step(f"remove {cache.root()}"):
                shutil.rmtree(cache.root())
    if os.path.isdir(cache.root()):
        say.line(f"what was built stays in {cache.root()}; `clean --cache` removes it")
