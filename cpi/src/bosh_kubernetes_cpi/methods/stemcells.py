"""create_stemcell and delete_stemcell: an image in a registry, and the Stemcell that names it by digest."""

from __future__ import annotations

from bosh_kubernetes_api import names, stemcells

from .. import log
from ..clock import Deadline
from ..errors import BadImage, Failure, RegistryError, RequestError
from ..stemcell import light, properties, upload
from ..stemcell.image import Document
from ..stemcell.places import Places
from ..stemcell.reference import BadReferenceError, parse
from ..stemcell.registry import Registry
from ..stemcell.users import Users

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..call import Call

    Json = dict[str, Any]

FINISH = 30.0  # seconds for the stemcell of the last machine, after that is gone
DELETION = 60.0  # seconds that create_stemcell waits for a delete_stemcell of the same stemcell


def create_stemcell(call: Call, image_path: str, cloud_properties: Json | None, env: Json | None) -> str:
    """Make an image available to the nodes; answers the stemcell's CID, which is the same for the same image.

    A light stemcell's cloud properties name an image (`image_reference` with `digest`, or `image`) and `image_path` is
    not read; a heavy one's file is pushed to the configured registry. The tags of `env` (API 3) become metadata of a
    Stemcell that is made here; one that was there before keeps its own.
    """
    wanted = properties.read(cloud_properties)
    tags = _tags(env)
    places = Places(call.config["registry"], call.api.endpoint, call.deadline)
    users = Users(call.api, call.namespace, call.director)
    if wanted.image is not None:
        registry = places.of(wanted.image)
        try:
            image = light.pin(wanted.image, registry, say=log.progress)
        finally:
            registry.close()
        cid, _ = _added(users, _body(call, wanted, image.pinned, stemcells.LIGHT, tags), call.deadline)
        return cid
    if not places.configured:
        raise RequestError(
            "create_stemcell: this stemcell carries its root file system and there is no registry to push it to: "
            "configure registry.host or registry.service, or use a light stemcell (cloud property image_reference)"
        )
    registry = places.own()
    try:
        return _heavy(call, registry, places, users, wanted, tags, image_path)
    finally:
        registry.close()


def delete_stemcell(call: Call, stemcell_cid: str) -> None:
    """Take this Director off the stemcell's users; image and Stemcell go with the last one. Absent is success."""
    if not names.is_cid(stemcell_cid):
        return
    users = Users(call.api, call.namespace, call.director)
    last = users.leave(stemcell_cid)
    try:
        _remove(call, users, last, call.deadline)
    except Failure as failure:
        failure.message += f". Stemcell {stemcell_cid} has no user any more and is still there: call again to remove it"
        raise


def finish_deletion(call: Call, stemcell_cid: str) -> None:
    """Remove what the last delete_stemcell left because machines ran on it, if none does any more.

    To be called when one of them is gone. Raises nothing: that is done, whatever becomes of its stemcell.
    """
    users = Users(call.api, call.namespace, "")  # no Director's: its context may name none
    last = None
    try:
        last = users.take_unused(stemcell_cid)
        _remove(call, users, last, Deadline(FINISH, within=call.deadline))
    except Failure as failure:
        log.progress(f"{stemcell_cid} stays, for the next delete_stemcell: {failure.message}")
        if last is not None:
            _keep_at_last(users, last)


def _remove(call: Call, users: Users, marked: Json | None, deadline: Deadline) -> None:
    """Remove a marked stemcell; with machines left only its mark goes.

    Whoever deletes a machine meanwhile leaves the stemcell to us, for it is marked: so look again when it is not.
    """
    while marked is not None:
        if not _kept_for_machines(users, marked):
            if marked["spec"]["format"] == stemcells.HEAVY:
                _delete_image(Places(call.config["registry"], call.api.endpoint, deadline), marked["spec"]["image"])
            users.remove(marked)
            return
        cid = marked["metadata"]["name"]
        marked = None if users.machines(cid) else users.take_unused(cid)


def _keep_at_last(users: Users, marked: Json) -> None:
    try:
        users.keep(marked)
    except Failure as failure:
        log.progress(f"{marked['metadata']['name']} stays marked as being deleted: {failure.message}")


def _kept_for_machines(users: Users, last: Json) -> bool:
    """Whether VMs still run on a stemcell without users; then its mark of deletion is taken away."""
    cid = last["metadata"]["name"]
    machines = users.machines(cid)
    if machines:
        log.progress(f"{cid} stays: {len(machines)} VMs run on it, such as {machines[0]}")
        users.keep(last)
    return bool(machines)


def _heavy(
    call: Call,
    registry: Registry,
    places: Places,
    users: Users,
    wanted: properties.Properties,
    tags: Json,
    image_path: str,
) -> str:
    manifest = _push(registry, wanted, image_path)
    image = places.pull_name.at(manifest.digest).pinned
    # a user first, the manifest second: from here on no delete_stemcell takes the image away (see stemcell.users)
    cid, joined = _added(users, _body(call, wanted, image, stemcells.HEAVY, tags), call.deadline)
    try:
        registry.put_manifest(manifest, tag=cid)
    except Failure as failure:
        call.begin_cleanup()
        if joined:
            failure.message += _take_back(users, cid)
        raise
    return cid


def _take_back(users: Users, cid: str) -> str:
    """Be no user any more of a stemcell whose image could not be stored; what stays is told in a sentence."""
    try:
        last = users.leave(cid)
        if last is not None and not _kept_for_machines(users, last):
            users.remove(last)
    except Failure as failure:
        return f". Stemcell {cid} could not be removed: {failure.message}; to do so: kubectl delete bstemcell {cid}"
    return ""


def _push(registry: Registry, wanted: properties.Properties, image_path: str) -> Document:
    if "\0" in image_path:
        raise BadImage("the stemcell's image cannot be read: its path has a NUL in it")
    try:
        with open(image_path, "rb", buffering=0) as file:
            layer = upload.push_layer(registry, file, say=log.progress)
    except OSError as error:
        raise BadImage(f"the stemcell's image {image_path} cannot be read: {error.strerror}") from error
    return upload.push_documents(
        registry, layer, name=wanted.name, version=wanted.version, architecture=wanted.architecture
    )


def _tags(env: Json | None) -> Json:
    """Raises RequestError."""
    tags = (env or {}).get("tags") or {}
    if not isinstance(tags, dict):
        raise RequestError("create_stemcell: tags of argument 3, env, must be an object")
    return tags


def _body(call: Call, wanted: properties.Properties, image: str, form: str, tags: Json) -> Json:
    secrets = sorted({*call.config["registry"]["pull_secrets"], *wanted.pull_secrets})
    return stemcells.build(
        image,
        director=call.director,
        form=form,
        name=wanted.name,
        version=wanted.version,
        os=wanted.os,
        architecture=wanted.architecture,
        pull_secrets=secrets,
        tags=tags,
    )


def _added(users: Users, body: Json, deadline: Deadline) -> tuple[str, bool]:
    """The CID, and whether this made the Director a user of the stemcell."""
    found, joined = users.add(body, Deadline(DELETION, within=deadline))
    cid: str = found["metadata"]["name"]
    log.progress(f"{cid} is {found['spec']['image']}")
    if found["spec"].get("pullSecrets", []) != body["spec"]["pullSecrets"]:
        log.progress(
            f"{cid} was there before and keeps its pull secrets {found['spec'].get('pullSecrets', [])}: delete the "
            "stemcell and upload it again to change them"
        )
    return cid, joined


def _delete_image(places: Places, image: str) -> None:
    """Delete what we pushed; what cannot be deleted is said, as space in a registry is no reason to keep a stemcell."""
    try:
        reference = parse(image)
    except BadReferenceError as error:
        log.progress(f"{image} is not deleted: {error}")
        return
    if not places.serves(reference):
        log.progress(f"{image} is not deleted: it is not in the registry that is configured now")
        return
    registry = places.of(reference)
    try:
        if not registry.delete_manifest(reference.digest):
            log.progress(
                f"{image} is not deleted: {registry.name} does not delete; it stays until someone does it there"
            )
    except RegistryError as error:
        if error.status not in (401, 403):
            raise
        log.progress(f"{image} is not deleted: {error.message}")
    finally:
        registry.close()
