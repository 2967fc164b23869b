"""Requests and answers of the agent, without a machine."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.stemcell.agent.actions import Action, Dispatcher, call, is_asynchronous
from tests.stemcell.agent.errors import AgentError


def fail(*_: object) -> None:
    raise AgentError("no such disk")


class Agent:
    def __init__(self) -> None:
        self.go = threading.Event()
        self.panicked = threading.Event()
        self.order: list[str] = []
        actions: dict[str, Action] = {
            "ping": lambda: "pong",
            "mount_disk": self.mount,
            "unmount_disk": fail,
            "start": fail,
            "apply": self.broken,
        }
        self.dispatcher = Dispatcher(actions, self.panicked.set)

    def mount(self, cid: str) -> dict[str, str]:
        assert self.go.wait(30)
        self.order.append(cid)
        return {}

    def broken(self, _spec: object) -> None:
        raise TypeError("not a string")

    def ask(self, method: str, *arguments: object) -> dict[str, Any]:
        return self.dispatcher.dispatch({"method": method, "arguments": list(arguments), "reply_to": "me"})

    def finish(self, task: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while isinstance(answer := self.ask("get_task", task), dict):
            if not (isinstance(answer.get("value"), dict) and answer["value"].get("state") == "running"):
                return answer
            assert time.monotonic() < deadline
        raise AssertionError


@pytest.fixture
def agent() -> Agent:
    return Agent()


def test_a_quick_method_answers_with_its_value(agent: Agent) -> None:
    assert agent.ask("ping") == {"value": "pong"}


def test_an_unknown_method_is_named(agent: Agent) -> None:
    assert agent.ask("dance") == {"exception": {"message": "unknown message dance"}}


def test_a_failure_names_the_method(agent: Agent) -> None:
    assert agent.ask("start") == {"exception": {"message": "Action Failed start: no such disk"}}


def test_a_long_method_is_a_task_until_it_is_done(agent: Agent) -> None:
    task = agent.ask("mount_disk", "disk-a")["value"]
    assert task == {"agent_task_id": task["agent_task_id"], "state": "running"}
    assert agent.ask("get_task", task["agent_task_id"]) == {"value": task}
    agent.go.set()
    assert agent.finish(task["agent_task_id"]) == {"value": {}}
    assert agent.ask("get_task", task["agent_task_id"]) == {"value": {}}


def test_tasks_run_one_after_the_other(agent: Agent) -> None:
    tasks = [agent.ask("mount_disk", cid)["value"]["agent_task_id"] for cid in ("a", "b", "c")]
    agent.go.set()
    agent.finish(tasks[-1])
    assert agent.order == ["a", "b", "c"]


def test_a_failed_task_keeps_its_failure(agent: Agent) -> None:
    task = agent.ask("unmount_disk", "disk-a")["value"]["agent_task_id"]
    message = f"Action Failed get_task: Task {task} result: no such disk"
    assert agent.finish(task) == agent.ask("get_task", task) == {"exception": {"message": message}}


def test_an_unknown_task(agent: Agent) -> None:
    message = "Action Failed get_task: Task with id x could not be found"
    assert agent.ask("get_task", "x") == {"exception": {"message": message}}


def test_a_panic_ends_the_agent(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    agent.ask("apply", {})
    assert agent.panicked.wait(30)


@pytest.mark.parametrize(
    ("method", "protocol", "yes"),
    [("ping", 3, False), ("start", 3, False), ("get_state", 3, False), ("list_disk", 2, False), ("list_disk", 3, True),
     ("apply", 0, True), ("run_script", 0, True), ("compile_package", 1, True)],
)  # fmt: skip
def test_which_methods_take_time(method: str, protocol: int, yes: bool) -> None:
    assert is_asynchronous(method, protocol) is yes


def test_arguments() -> None:
    assert call(lambda one, two=2: (one, two), [1, 5, 9], 0) == (1, 5)
    with pytest.raises(AgentError, match="Not enough arguments, expected 1, got 0"):
        call(lambda one: one, [], 0)

    def stop(*, protocol: int) -> int:
        return protocol

    assert call(stop, [], 3) == 3
