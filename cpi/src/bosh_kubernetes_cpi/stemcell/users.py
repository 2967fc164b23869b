"""Stemcell resources and their users: who comes first makes one, who goes last removes it.

The image in the registry exists as long as the resource has a user. That holds because both change under the resource's
version only: a Director becomes a user *before* the manifest is stored, and the last one leaves a mark *with* its
leaving, before the manifest is deleted; nobody becomes a user of a marked one.
"""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any

from bosh_kubernetes_api import names, paths, stemcells
from bosh_kubernetes_api.deletion import deleting_since, is_being_deleted

from ..clock import Deadline
from ..errors import CloudError, Conflict
from ..transport.api import Api

Json = dict[str, Any]

_TRIES = 30
_PAUSE = 0.5  # seconds between two looks at a stemcell that is being deleted


class Users:
    """The stemcells of a namespace, as one Director sees them."""

    def __init__(self, api: Api, namespace: str, director: str, *, now: Callable[[], float] = time) -> None:
        self._api = api
        self._collection = paths.stemcells(namespace)
        self._machines = paths.machines(namespace)
        self._director = director
        self._now = now

    def add(self, body: Json, deadline: Deadline) -> tuple[Json, bool]:
        """Be a user of the stemcell `body` (made if there is none).

        Answers it, and whether this made the Director a user, who then may undo it. CloudError while it stays marked.
        """
        cid = body["metadata"]["name"]
        joined = False
        for _ in range(_TRIES):
            found = self._api.find(self._path(cid))
            if found is not None and self._deleted_by_another(found):
                self._wait_for_deletion(cid, deadline)
                continue
            try:
                if found is None:
                    joined = True
                    found = self._api.create(self._collection, body)
                elif self._director not in stemcells.users(found) or deleting_since(found):
                    joined = joined or self._director not in stemcells.users(found)
                    wanted = sorted({*stemcells.users(found), self._director})
                    found = self._api.merge_patch(self._path(cid), stemcells.edit(found, users=wanted))
            except Conflict:
                continue
            if self._director in stemcells.users(found):
                return found, joined
        raise CloudError(f"stemcell {cid} is changed by others all the time; call again", ok_to_retry=True)

    def leave(self, cid: str) -> Json | None:
        """Be no user any more. Answers the stemcell when nobody is left: it is marked, and the caller removes it."""
        for _ in range(_TRIES):
            found = self._api.find(self._path(cid))
            if found is None:
                return None
            left = [user for user in stemcells.users(found) if user != self._director]
            mark = "" if left else str(int(self._now()))
            if left == stemcells.users(found) and left:
                return None
            try:
                marked = self._api.merge_patch(self._path(cid), stemcells.edit(found, users=left, deleting=mark))
            except Conflict:
                continue
            return None if left else marked
        raise CloudError(f"stemcell {cid} is changed by others all the time; call again", ok_to_retry=True)

    def take_unused(self, cid: str) -> Json | None:
        """The stemcell, marked, if it has no user and no other call is at it: the caller removes it or takes the mark
        away.
        """
        found = self._api.find(self._path(cid))
        if found is None or stemcells.users(found) or self._deleted_by_another(found):
            return None
        try:
            mark = str(int(self._now()))
            return self._api.merge_patch(self._path(cid), stemcells.edit(found, users=[], deleting=mark))
        except Conflict:
            return None

    def machines(self, cid: str) -> list[str]:
        """CIDs of the VMs that were made from a stemcell, whoever's they are."""
        answer = self._api.get(paths.query(self._machines, labelSelector=names.selector(stemcell=cid)))
        return [item["metadata"]["name"] for item in answer.get("items", [])]

    def keep(self, stemcell: Json) -> None:
        """Take the mark away again: something still needs it."""
        self._api.merge_patch(
            self._path(stemcell["metadata"]["name"]), stemcells.edit(stemcell, users=stemcells.users(stemcell))
        )

    def remove(self, stemcell: Json) -> None:
        self._api.delete(self._path(stemcell["metadata"]["name"]), uid=stemcell["metadata"]["uid"])

    def _deleted_by_another(self, stemcell: Json) -> bool:
        return is_being_deleted(stemcell, self._now())

    def _wait_for_deletion(self, cid: str, deadline: Deadline) -> None:
        while (found := self._api.find(self._path(cid))) is not None and self._deleted_by_another(found):
            if deadline.passed():
                raise CloudError(f"stemcell {cid} is being deleted by another call; call again", ok_to_retry=True)
            deadline.pause(_PAUSE)

    def _path(self, cid: str) -> str:
        return paths.item(self._collection, cid)
