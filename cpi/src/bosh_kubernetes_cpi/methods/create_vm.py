"""create_vm: VirtualMachine, then Secret, then ConfigMap; then wait until the guest's init runs (not for the agent)."""

from __future__ import annotations

import json
from time import time

from bosh_kubernetes_api import names, paths
from bosh_kubernetes_api.deletion import is_being_deleted
from bosh_kubernetes_api.machine import condition, virtual_machine
from bosh_kubernetes_api.settings import LARGEST, config_map, credentials, secret, settings

from .. import networks as nets
from ..call import hold
from ..clock import Deadline
from ..cloud_properties import VM, read
from ..errors import CloudError, Failure, VMCreationFailed
from ..log import progress
from ..operator_life import OperatorLife
from ..transport.observe import Wait, until
from ..verdicts import UNHEARD, Patience, advice, machine_limit, summary, wait
from ..vm_properties import shape
from .removal import remove, remove_side_objects
from .storage_class import check_storage_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]


def create_vm(
    call: Call,
    agent_id: str,
    stemcell_cid: str,
    cloud_properties: Json | None,
    networks: Json,
    disk_cids: list[str] | None,
    env: Json | None,
) -> list[Any]:
    """`[cid, networks]`. `disk_cids` steer where the machine runs; they may be unknown or in use.

    Whatever fails, everything made is removed: the caller has no CID to do it by.
    """
    config, env = call.config, env or {}
    properties = read(VM, cloud_properties, "the VM", config)
    entries, annotations = nets.machine_networks(networks, properties.get("static_ip", {}).get("ports", []))
    group = env.get("bosh", {}).get("group", "") if isinstance(env.get("bosh", {}), dict) else ""
    disks = [disk for disk in disk_cids or [] if names.is_cid(disk)]
    machine_shape = shape(properties, group=group, disks=disks)
    machine_shape["networks"] = entries
    if annotations:
        machine_shape["annotations"] = {**machine_shape.get("annotations", {}), **annotations}
    hidden = credentials(mbus=_mbus(config, env), blobstore=config["agent"]["blobstore"], env=env)
    director = call.director
    cid = names.new_cid("vm")
    public = settings(agent_id=agent_id, vm_cid=cid, networks=networks, ntp=config["agent"]["ntp"])
    for what, content, kind in (("env is", hidden, "Secret"), ("networks are", public, "ConfigMap")):
        if len(json.dumps(content)) > LARGEST:
            raise CloudError(f"{what} larger than the {LARGEST} bytes that fit into a {kind}")

    try:
        stemcell = _stemcell(call, stemcell_cid)
        if "rootDisk" in machine_shape:
            check_storage_class(call, machine_shape["rootDisk"]["storageClass"])
        _remove_leftovers(call, agent_id)
        pull_secrets = [*stemcell["spec"].get("pullSecrets", []), *properties.get("image_pull_secrets", [])]
        machine = virtual_machine(
            cid,
            director=director,
            agent_id=agent_id,
            stemcell=stemcell_cid,
            image=stemcell["spec"]["image"],
            pull_secrets=list(dict.fromkeys(pull_secrets)),
            shape=machine_shape,
        )
        return _make(call, machine, public, hidden, networks)
    except VMCreationFailed:
        raise
    except Failure as failure:
        raise VMCreationFailed(failure.message, ok_to_retry=failure.ok_to_retry) from failure


def _make(call: Call, machine: Json, public: Json, hidden: Json, networks: Json) -> list[Any]:
    cid = machine["metadata"]["name"]
    try:
        made = call.api.create(paths.machines(call.namespace), machine)
        call.api.create(paths.secrets(call.namespace), secret(made, hidden), readable=False)
        call.api.create(paths.config_maps(call.namespace), config_map(made, public), readable=False)
        progress(f"{cid}: made, waiting for the guest to start")
        result = [cid, nets.used(networks, _until_guest_runs(call, cid))]
        hold()
        return result
    except BaseException as failure:
        rest = _undo(call, cid)
        if isinstance(failure, Failure):
            raise VMCreationFailed(failure.message + rest, ok_to_retry=failure.ok_to_retry) from failure
        raise


def _until_guest_runs(call: Call, cid: str) -> str:
    """The Pod's address once the guest's init runs. Raises CloudError when a reason lasts longer than it may."""
    patience = Patience()

    def started(machine: Json | None) -> str | Wait:
        if machine is None:
            raise CloudError(f"VirtualMachine {cid} was deleted while it was created", ok_to_retry=True)
        if condition(machine, "GuestRunning").get("status") == "True":
            address: str = machine["status"].get("pod", {}).get("ip", "")
            return address
        reason = condition(machine, "Ready").get("reason") or UNHEARD
        limit, retry = machine_limit(reason, call.config["timeouts"])
        left = patience.left(reason, limit)
        if left:
            return wait(left)
        told = f"{summary(machine).rstrip('.')}{advice(machine)}"
        raise CloudError(f"VirtualMachine {cid} did not start within {limit:.0f} s: {told}", ok_to_retry=retry)

    life = OperatorLife(call)
    doing = f"waiting for the guest of VirtualMachine {cid}"
    return until(call.api, paths.machines(call.namespace), cid, started, doing=doing, life=life, state=summary)


def _undo(call: Call, cid: str) -> str:
    """Remove what was made, in time of its own; what cannot be removed is told in a sentence.

    Without its ConfigMap no operator makes a Pod of it any more; but what keeps that from being removed, keeps not the
    machine.
    """
    call.begin_cleanup()
    progress(f"{cid}: failed, removing what was made")
    try:
        call.api.deadline = Deadline(call.deadline.remaining() / 4)  # the rest is the machine's
        remove_side_objects(call, cid)
    except Failure as failure:
        progress(f"{cid}: {failure.message}")
    try:
        call.api.deadline = call.deadline
        found = call.api.find(paths.item(paths.machines(call.namespace), cid))
        if found is None:
            remove_side_objects(call, cid)
        else:
            remove(call, found)
    except Failure as failure:
        return f". It could not be removed completely: {failure.message}; to do so: kubectl delete bvm {cid}"
    return ""


def _remove_leftovers(call: Call, agent_id: str) -> None:
    """Machines of an earlier try: the Director repeats create_vm with the same agent id."""
    selector = names.selector(director=call.director, agent=agent_id)
    found = call.api.get(paths.query(paths.machines(call.namespace), labelSelector=selector))
    for machine in found["items"]:
        progress(f"{machine['metadata']['name']}: left by an earlier try for this agent, removing it")
        remove(call, machine)


def _stemcell(call: Call, cid: str) -> Json:
    found = call.api.find(paths.item(paths.stemcells(call.namespace), cid)) if names.is_cid(cid) else None
    if found is None:
        raise VMCreationFailed(
            f"there is no Stemcell {cid!r} in namespace {call.namespace}: upload it again: bosh upload-stemcell "
            "--fix; create-env does it when its state file does not name the stemcell any more (in a new cluster: "
            "without the state file)"
        )
    if is_being_deleted(found, time()):
        raise VMCreationFailed(f"Stemcell {cid} is being deleted", ok_to_retry=True)
    return found


def _mbus(config: Json, env: Json) -> str:
    """The message bus of the agent, unless env brings its own: without either the agent does not start."""
    mbus: str = config["agent"]["mbus"]
    bosh = env.get("bosh")
    if not mbus and not (isinstance(bosh, dict) and isinstance(bosh.get("mbus"), dict) and bosh["mbus"].get("urls")):
        raise CloudError("agent.mbus is not set in the CPI's configuration: the agent would have nobody to listen to")
    return mbus
