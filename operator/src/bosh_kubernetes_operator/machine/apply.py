"""Takes the steps of a plan. Each may be cut short anywhere and taken again: names, uids and ids make that safe."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bosh_kubernetes_api import names
from bosh_kubernetes_api.machine import wanted_disks

from .. import firmware_map, metrics
from ..cluster import Cluster
from ..disk import growth
from ..errors import ClusterError, ConflictError, OrderError, RefusedError
from . import attachment, pod, verdicts
from .let_go import LettingGo
from .orders import DONE as ORDER_DONE
from .orders import NOT_YET, REFUSED, Answer, Orders
from .state import (
    Object,
    Observed,
    gone_for_good,
    guest,
    held_on,
    node_name,
    running,
    terminating,
    unreachable,
)
from .steps import (
    DONE,
    AddFinalizer,
    Attach,
    CreateAddress,
    CreateAttachment,
    CreateCleanup,
    CreatePod,
    CreateRootClaim,
    DeleteAddress,
    DeletePod,
    Detach,
    Flush,
    LetGo,
    Order,
    RemoveFinalizer,
    Result,
    Step,
)

log = logging.getLogger(__name__)

OF_A_DISK = (CreateAttachment, Attach, Detach, Flush, LetGo)


class Applier:
    def __init__(
        self, cluster: Cluster, orders: Orders, host_directory: str, off_timeout: int, own_image: str = ""
    ) -> None:
        self._cluster, self._orders = cluster, orders
        self.let_go = LettingGo(cluster, orders)
        self._host_directory, self._off_timeout, self._own_image = host_directory, off_timeout, own_image
        self._do: dict[type, Callable[[Observed, Any], Awaitable[Result]]] = {
            AddFinalizer: self._add_finalizer,
            RemoveFinalizer: self._remove_finalizer,
            CreateRootClaim: self._create_root_claim,
            CreateAddress: self._create_address,
            DeleteAddress: self._delete_address,
            CreatePod: self._create_pod,
            CreateCleanup: self._create_cleanup,
            DeletePod: self._delete_pod,
            CreateAttachment: self._create_attachment,
            Attach: self._attach,
            Detach: self._detach,
            Flush: self._flush,
            LetGo: self._let_go,
            Order: self._order,
        }

    async def apply(self, o: Observed, steps: Iterable[Step]) -> dict[Step, Result]:
        """Takes the steps: those of the machine one after the other, then those of its disks together."""
        steps = list(steps)
        results: dict[Step, Result] = {
            step: await self._take(o, step) for step in steps if not isinstance(step, OF_A_DISK)
        }
        disks = [step for step in steps if isinstance(step, OF_A_DISK)]
        # All come to their end, also when one of them raises: the next pass must not find another at its disk.
        ends = await asyncio.gather(*(self._take(o, step) for step in disks), return_exceptions=True)
        for step, end in zip(disks, ends, strict=True):
            if isinstance(end, BaseException):
                raise end
            results[step] = end
        return results

    async def _take(self, o: Observed, step: Step) -> Result:
        kind = type(step).__name__
        metrics.steps.labels(kind).inc()
        try:
            result = await self._do[type(step)](o, step)
        except OrderError as error:
            result = Result("Unanswered", str(error), soon=True)
        except RefusedError as error:
            result = Result("PodRefused", str(error), error=error)
        except ClusterError as error:
            # It failed for a moment, or what we saw is old (a conflict): nothing is refused, it is tried again.
            reason = "Attaching" if isinstance(step, OF_A_DISK) else "PodCreating"
            result = Result(reason, str(error), soon=isinstance(error, ConflictError), error=error)
        log.info(
            "%s: %s",
            " ".join((kind, *map(str, vars(step).values()))),
            f"{result.reason}: {result.message}" if result.reason else "done",
            extra={"machine": o.name, "step": kind},
        )
        return result

    # ---- the machine -----------------------------------------------------------------------------------------------

    async def _finalizers(self, o: Observed, finalizers: list[str]) -> Result:
        metadata = {"resourceVersion": o.vm["metadata"]["resourceVersion"], "finalizers": finalizers}
        await self._cluster.merge("VirtualMachine", o.name, {"metadata": metadata})
        return DONE

    async def _add_finalizer(self, o: Observed, _: AddFinalizer) -> Result:
        return await self._finalizers(o, [*o.vm["metadata"].get("finalizers", ()), names.FINALIZER])

    async def _remove_finalizer(self, o: Observed, _: RemoveFinalizer) -> Result:
        result = await self._finalizers(o, [f for f in o.vm["metadata"]["finalizers"] if f != names.FINALIZER])
        if o.cleanup is not None:  # after its proof has served; the cluster's own collection takes a second more
            with contextlib.suppress(ClusterError):
                await self._cluster.delete("Pod", o.cleanup["metadata"]["name"], o.cleanup["metadata"]["uid"], 0)
        return result

    async def _create(self, kind: str, body: Object) -> Result:
        """Creates what is this machine's alone. One that is there already was made by an earlier try."""
        try:
            await self._cluster.create(kind, body)
        except ConflictError:
            return DONE
        except RefusedError as error:
            return Result(*verdicts.refused(error))
        return DONE

    async def _create_root_claim(self, o: Observed, _: CreateRootClaim) -> Result:
        return await self._create("PersistentVolumeClaim", pod.root_claim(o.vm))

    async def _create_pod(self, o: Observed, _: CreatePod) -> Result:
        firmware = await firmware_map.ensure(self._cluster)
        body = pod.build(o.vm, firmware, self._host_directory, self._off_timeout, o.volumes, held_on(o))
        return await self._create("Pod", body)

    async def _create_cleanup(self, o: Observed, step: CreateCleanup) -> Result:
        image = (step.own_image and self._own_image) or o.machine["image"]
        return await self._create("Pod", attachment.build_cleanup(o.vm, o.node_name, self._host_directory, image))

    async def _delete_pod(self, _: Observed, step: DeletePod) -> Result:
        await self._cluster.delete("Pod", step.name, step.uid, step.grace)
        return DONE

    async def _create_address(self, o: Observed, step: CreateAddress) -> Result:
        try:
            await self._cluster.create("Service", pod.address_service(o.vm, step.address, o.addresses[step.address]))
        except (ConflictError, RefusedError) as error:
            service = await self._cluster.get("Service", names.address_service(step.address))
            if service and o.owns(service):
                return DONE
            if service is None and isinstance(error, ConflictError):
                raise  # it went meanwhile
            holder = (service or {}).get("metadata", {}).get("labels", {}).get(names.MACHINE, "")
            return Result(*verdicts.address(error, step.address, holder))
        return DONE

    async def _delete_address(self, _: Observed, step: DeleteAddress) -> Result:
        await self._cluster.delete("Service", step.name, step.uid)
        return DONE

    async def _order(self, o: Observed, step: Order) -> Result:
        answer = await self._orders.machine(o.name, *filter(None, (step.order, step.id)))
        if answer.code == ORDER_DONE:
            return Result(guest=guest(answer.data) if answer.data else None)
        return Result("Unanswered", answer.text, soon=True)

    # ---- its disks -------------------------------------------------------------------------------------------------

    async def _create_attachment(self, o: Observed, step: CreateAttachment) -> Result:
        """Creating the Pod is the lock on the disk; when somebody else has it, its owner label tells who."""
        firmware = await firmware_map.ensure(self._cluster)
        body = attachment.build(o.vm, step.disk, o.node_name, firmware, self._host_directory)
        try:
            await self._cluster.create("Pod", body)
        except ConflictError:
            other = await self._cluster.get("Pod", step.disk)
            if growth.is_growth(other):
                return await self._end_growth(step.disk, other)
            holder = (other or {}).get("metadata", {}).get("labels", {}).get(names.MACHINE, "")
            if other is None or holder == names.label_value(o.name):
                return DONE
            return Result("DiskInUse", f"disk {step.disk} is attached to machine {holder}")
        except RefusedError as error:
            return Result(*verdicts.refused(error))
        return DONE

    async def _end_growth(self, disk: str, pod: Object) -> Result:
        """A machine that wants a disk comes first: its attachment mounts the disk too, and so lets it grow."""
        if not terminating(pod):
            await self._cluster.delete("Pod", disk, pod["metadata"]["uid"])
        where = f" on node {node}" if (node := node_name(pod)) else ""
        return Result("Attaching", f"Pod {disk}{where}, which mounted the disk for its growth, ends first")

    async def _attach(self, o: Observed, step: Attach) -> Result:
        answer = await self._attach_order(o, step.disk, bool(step.settings))
        if answer.code == ORDER_DONE:
            return Result(guest=guest(answer.data) if answer.data else None)
        if answer.code != NOT_YET and (why := answer.data.get("error")):
            return Result("Attaching", f"the machine cannot keep the order: {why}", soon=True)
        if answer.code == REFUSED:
            return Result("DiskLost", "the guest holds another device of this disk")
        nor = ", or its agent's settings cannot list it" if step.settings else ""
        return Result("Attaching", f"the guest does not see the disk{nor} yet", soon=True)

    async def _attach_order(self, o: Observed, disk: str, settings: bool) -> Answer:
        return await self._orders.machine(o.name, "attach", disk, *(["settings"] if settings else []))

    async def _flush(self, _: Observed, step: Flush) -> Result:
        """Served also when it failed: the message says why."""
        answer = await self._orders.attachment(step.disk, "flush", step.id)
        if answer.code == NOT_YET:
            return Result("Unanswered", "what was written goes to the device", soon=True)
        if answer.code == ORDER_DONE:
            return DONE
        return Result(message=", ".join(answer.data.get("errors") or ()) or answer.text or f"exit code {answer.code}")

    async def _detach(self, o: Observed, step: Detach) -> Result:
        """First the guest lets go, then the attachment. Without an answer nothing is done: it may hold the disk."""
        if not running(o.pod):
            return Result(
                "Detaching", "the machine's container does not run, so it cannot be asked to release the disk"
            )
        if await self._is_wanted_again(o, step.disk):
            return Result("Detaching", "the disk is wanted again", soon=True)
        answer = await self._orders.machine(o.name, "release", step.disk)
        if answer.code == NOT_YET:
            return Result("Detaching", "the firmware starts", soon=True)
        if answer.code == REFUSED:
            return Result("DiskBusy", holders(answer))
        if answer.code != ORDER_DONE:
            return Result("Detaching", f"the order to release it was {answer.fate}", soon=True)
        result = await self._let_go(o, step)
        if result.reason != "DiskBusy":
            return result
        # It stays this machine's: the firmware has to know, or the next boot would be one without the disk.
        await self._attach_order(o, step.disk, bool(o.disk_status.get(step.disk, {}).get("inSettings")))
        disk = o.guest.disks.get(step.disk) if o.guest else None
        if not disk or not disk.held:
            return result
        undone = f"the guest has unmounted it from {', '.join(disk.held)}: mount it again, or reboot the machine"
        return Result("DiskBusy", f"{result.message}; {undone}")

    async def _is_wanted_again(self, o: Observed, disk: str) -> bool:
        """What was seen is older than what the guest said: the disk may have been attached in between, by another
        operator whose Lease we do not know of yet.
        """
        now = None if o.deleting else await self._cluster.get("VirtualMachine", o.name)
        return now is not None and disk in wanted_disks(now)

    async def _let_go(self, o: Observed, step: LetGo | Detach) -> Result:
        cable = o.attachments.get(step.disk)
        if cable is None:
            return DONE
        node = node_name(cable)
        since = unreachable(o.nodes.get(node))
        if since and not gone_for_good(o, node):
            return Result("Detaching", f"node {node} of attachment Pod {step.disk} has not reported since {since}")
        return await self.let_go(cable, gone_for_good(o, node))


def holders(answer: Answer) -> str:
    """Who holds a disk, as a sentence."""
    parts = [
        f"{word} {', '.join(map(str, answer.data[word]))}" for word in ("processes", "mounts") if answer.data.get(word)
    ]
    return f"the guest does not release the disk: {'; '.join(parts) or answer.text}"
