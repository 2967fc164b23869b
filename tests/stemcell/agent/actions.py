"""Requests and answers of the agent, and the tasks behind those that take time.

A request is {"method", "arguments", "reply_to", "protocol"}, the answer {"value": ...} or
{"exception": {"message": ...}}.
A method that takes time answers {"agent_task_id", "state": "running"}; `get_task` gives that again until the task is
done, then its value or its failure, as often as it is asked. Tasks run one after the other
(agent/action_dispatcher.go, agent/task/async_task_service.go).
"""

from __future__ import annotations

import inspect
import queue
import threading
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from .errors import AgentError, wrap

ASYNCHRONOUS = {
    "add_persistent_disk", "apply", "compile_package", "drain", "migrate_disk", "mount_disk", "prepare",
    "remove_persistent_disk", "run_script", "stop", "unmount_disk",
}  # fmt: skip

Action = Callable[..., Any]
Json = dict[str, Any]


def is_asynchronous(method: str, protocol: int) -> bool:
    """list_disk takes part from protocol 3 on."""
    return method in ASYNCHRONOUS or (method == "list_disk" and protocol >= 3)


def call(action: Action, arguments: list[Any], protocol: int) -> Any:
    """Calls an action with what the request gave: too few arguments fail, those it does not know are dropped.

    Only `stop` asks for the protocol, by a keyword of that name.

    Raises:
        AgentError: it failed.
    """
    parameters = inspect.signature(action).parameters.values()
    positional = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    needed = sum(one.default is one.empty for one in positional)
    if len(arguments) < needed:
        raise AgentError(
            f"Extracting method arguments from payload: Not enough arguments, expected {needed}, got {len(arguments)}"
        )
    if not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        arguments = arguments[: len(positional)]
    extra = {"protocol": protocol} if any(one.name == "protocol" for one in parameters) else {}
    return action(*arguments, **extra)


class Task:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.id = str(uuid.uuid4())
        self.work = work
        self.running = True
        self.value: Any = None
        self.failure: str | None = None


class Dispatcher:
    """Answers requests; `panic` ends the agent when an action breaks in a way that it would not survive itself."""

    def __init__(self, actions: dict[str, Action], panic: Callable[[], None]) -> None:
        self._actions = actions | {"get_task": self._get_task, "cancel_task": self._cancel_task}
        self._panic = panic
        self._tasks: dict[str, Task] = {}
        self._waiting: queue.Queue[Task] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def dispatch(self, request: Json) -> Json:
        method = str(request.get("method"))
        action = self._actions.get(method)
        if action is None:
            return exception(f"unknown message {method}")
        print(f"agent: {method}", flush=True)
        protocol = int(request.get("protocol") or 0)
        arguments = list(request.get("arguments") or [])
        if is_asynchronous(method, protocol):
            task = Task(lambda: call(action, arguments, protocol))
            self._tasks[task.id] = task
            self._waiting.put(task)
            return {"value": running(task)}
        try:
            with wrap(f"Action Failed {method}"):
                return {"value": call(action, arguments, protocol)}
        except AgentError as failure:
            return exception(str(failure))

    def _work(self) -> None:
        while True:
            task = self._waiting.get()
            try:
                task.value = task.work()
            except (AgentError, OSError) as failure:
                task.failure = str(failure)
                print(f"agent: task failed: {failure}", flush=True)
            except Exception:
                traceback.print_exc()
                self._panic()
            task.running = False

    def _get_task(self, task_id: str) -> Any:
        task = self._find(task_id)
        if task.running:
            return running(task)
        if task.failure is not None:
            raise AgentError(f"Task {task_id} result: {task.failure}")
        return task.value

    def _cancel_task(self, task_id: str) -> str:
        if self._find(task_id).running:
            raise AgentError("not supported")
        return "canceled"

    def _find(self, task_id: str) -> Task:
        if task_id not in self._tasks:
            raise AgentError(f"Task with id {task_id} could not be found")
        return self._tasks[task_id]


def running(task: Task) -> Json:
    return {"agent_task_id": task.id, "state": "running"}


def exception(message: str) -> Json:
    return {"exception": {"message": message}}
