"""Power as the firmware keeps it, driven without operator: reboot, power-off, TERM, orders, crashes."""

import re
import shlex
from collections.abc import Callable

import pytest

from tests.support.cluster.firmware import BareMachine
from tests.support.cluster.wait import eventually

Make = Callable[..., BareMachine]
both = pytest.mark.parametrize("flavour", ["runit", "systemd"])
REBOOT = {"runit": "reboot", "systemd": "systemctl reboot"}
POWEROFF = {"runit": "shutdown -P 0", "systemd": "systemctl poweroff"}  # the former is what the agent calls
# A guest that does not end when it is asked to: a loose process that ignores TERM, a unit that takes its time.
STUBBORN = {
    "runit": "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' < /dev/null > /dev/null 2>&1 &",
    "systemd": "systemd-run --unit stubborn -p ExecStop='/bin/sleep 300' -p TimeoutStopSec=300 sleep infinity",
}


@both
def test_reboot_from_inside_keeps_everything(bare: Make, flavour: str) -> None:
    machine = bare(flavour)
    before = machine.identity()
    # the agent sets the name once, at its first start
    eventually(lambda: machine.guest("hostname").strip() == "bare", within=60, what="the agent has set the name")
    machine.guest(
        "echo kept > /etc/kept; echo kept > /var/vcap/data/kept; hostname changed; echo changed > /etc/hostname"
    )

    machine.guest(REBOOT[flavour], check=False)
    machine.wait("running", boots=2, crashes=0)

    assert machine.guest("cat /etc/kept /var/vcap/data/kept; hostname").split() == ["kept", "kept", "changed"]
    assert machine.identity() == before


@both
def test_power_off_from_inside_stays_off_over_a_container_kill(bare: Make, flavour: str) -> None:
    machine = bare(flavour)
    machine.guest("echo kept > /etc/kept")

    machine.guest(POWEROFF[flavour], check=False)
    machine.wait("stopped", power="off")
    eventually(lambda: machine.container()["ready"] is False, within=20, what="the Pod is not ready")
    machine.kill_container()
    machine.wait("stopped", power="off", boots=1)
    machine.ctl("start")
    machine.wait("running", boots=2)

    assert machine.guest("cat /etc/kept") == "kept\n"


@both
def test_term_ends_the_guest_in_order_and_is_not_remembered(bare: Make, flavour: str) -> None:
    machine = bare(flavour)
    service = 'trap "echo ended > /etc/ended; exit" TERM; while :; do sleep 0.2; done'
    if flavour == "systemd":
        machine.guest(f"systemd-run --unit witness sh -c '{service}'")
    else:
        machine.guest(f"setsid sh -c '{service}' < /dev/null > /dev/null 2>&1 & sleep 0.5")

    machine.kubectl.exec(machine.name, "kill", "-TERM", "1", check=False)
    ended = machine.wait_restarted(0)
    machine.wait("running", boots=2, power="on")

    assert ended["exitCode"] == 143
    assert machine.guest("cat /etc/ended") == "ended\n"


def test_a_monit_that_misses_the_first_word_is_told_again(bare: Make) -> None:
    """As the real one does when the signal comes while it checks: it sleeps out its cycle. Killed, it notes nothing."""
    machine = bare("runit")
    busy = """#!/bin/sh
        trap '[ "$told" ] && echo asked again > /etc/ended && exit; told=yes' TERM
        echo up > /run/busy; while :; do sleep 0.1; done"""
    machine.guest(f"cp /etc/sv/monit/run /etc/monit.run; printf %s {shlex.quote(busy)} > /etc/sv/monit/run; sv t monit")
    eventually(lambda: machine.guest("cat /run/busy", check=False), within=30, what="the busy monit runs")

    machine.guest("mv /etc/monit.run /etc/sv/monit/run; reboot", check=False)
    machine.wait("running", boots=2, crashes=0)

    assert machine.guest("cat /etc/ended") == "asked again\n"


@both
def test_a_second_term_is_a_hard_reset(bare: Make, flavour: str) -> None:
    machine = bare(flavour, off_timeout=600)
    machine.guest(STUBBORN[flavour])

    machine.kubectl.exec(machine.name, "kill", "-TERM", "1")
    machine.wait("stopping")
    machine.kubectl.exec(machine.name, "kill", "-TERM", "1", check=False)

    assert machine.wait_restarted(0)["exitCode"] == 143
    machine.wait("running", boots=2)


@both
def test_a_guest_that_ignores_a_reboot_is_reset(bare: Make, flavour: str) -> None:
    machine = bare(flavour, off_timeout=4)
    before = machine.identity()
    machine.guest(STUBBORN[flavour])

    machine.ctl("reboot", "r-1")
    machine.wait("running", boots=2, served="r-1", crashes=0)

    assert machine.identity() == before


@both
def test_orders(bare: Make, flavour: str) -> None:
    machine = bare(flavour)

    machine.ctl("stop")
    machine.wait("stopped", power="off")
    machine.ctl("start")
    machine.wait("running", boots=2)
    machine.ctl("stop")
    machine.wait("stopped", boots=2)
    machine.ctl("reboot", "r-1")
    machine.wait("running", boots=3, served="r-1", power="on")
    machine.ctl("reset", "r-2")
    machine.wait("running", boots=4, served="r-2")
    assert machine.ctl("reset", "r-2")["pending"] == "", "it was served"
    machine.ctl("reboot", "r-3")
    machine.ctl("reboot", "r-3")
    machine.wait("running", boots=5, served="r-3", pending="", crashes=0)


# A process 1 hears no signal before it has said what it does at it.
SLOW_TO_START = """
cd /lib/systemd
mv systemd systemd.quick
printf '#!/bin/sh\\nsleep 3\\nexec /lib/systemd/systemd.quick "$@"\\n' > systemd
chmod 755 systemd
"""


def test_a_systemd_that_just_starts_hears_the_order(bare: Make) -> None:
    machine = bare("systemd", off_timeout=600)
    machine.guest(SLOW_TO_START)
    machine.ctl("reset", "r-1")
    machine.wait("running", boots=2)

    machine.ctl("reboot", "r-2")

    machine.wait("running", boots=3, served="r-2")


def test_a_crashing_guest_is_booted_again_ever_later(bare: Make) -> None:
    machine = bare("runit")
    before = machine.identity()

    for crashes in (1, 2):
        machine.kubectl.exec(machine.name, "sh", "-c", "kill -KILL $(cat /run/bosh-firmware/guest)")
        machine.wait("running", boots=crashes + 1, crashes=crashes)

    assert re.findall(r"boot \d in (\d+) s", machine.logs()) == ["1", "2"]
    assert machine.identity() == before


def test_the_console_of_the_guest_is_the_log_of_the_pod(bare: Make) -> None:
    machine = bare("systemd")

    machine.guest("echo a line on the console > /dev/console")

    eventually(lambda: "a line on the console" in machine.logs(), within=10, what="the line is in the log")
    assert "planted-password" not in machine.logs()
