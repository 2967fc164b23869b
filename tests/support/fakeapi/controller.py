"""A controller of the stand-in API server: a thread that looks at all there is after each change, until none comes."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

from tests.support.fakeapi.store import Store

C = TypeVar("C", bound="Controller")


class Controller(ABC):
    """Works within a `with` block. `look` is called with the store held."""

    anyway = 0  # changes that each look makes

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace
        self._ending = False
        self._thread = threading.Thread(target=self._run)

    @abstractmethod
    def look(self) -> None:
        """One look at all there is."""

    def __enter__(self: C) -> C:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        with self._store.changed:
            self._store.changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending:
            with self._store.changed:
                before = self._store.version
                self.look()
                if self._store.version <= before + self.anyway and not self._ending:
                    self._store.changed.wait(0.2)
