"""The root disk, the settings and what the guest sees of the node, driven without operator."""

import json
import uuid
from collections.abc import Callable

import pytest

from tests.support.cluster.firmware import MIB, BareMachine
from tests.support.cluster.node import Node
from tests.support.cluster.wait import eventually

Make = Callable[..., BareMachine]


@pytest.mark.parametrize(("flavour", "what"), [("runit", "blocks"), ("systemd", "inodes")])
def test_a_machine_with_a_full_root_disk_boots_and_remembers_its_power(bare: Make, flavour: str, what: str) -> None:
    machine = bare(flavour)
    many = "seq 100000 | sed s,^,many/, | xargs -n 100 sh -c 'touch \"$@\" 2> /dev/null || exit 255' sh 2> /dev/null"
    eat = {"blocks": "cat /dev/zero > fill", "inodes": f"mkdir -p many; {many}"}
    machine.guest(f"cd /var/vcap/data; {eat[what]}", check=False)

    assert machine.code("machine", "/firmware/ctl", "reboot", "r-1")[0] == 0
    machine.wait("running", boots=2, served="r-1", crashes=0)
    machine.wait_init(flavour)
    machine.guest(f"cd /var/vcap/data; {eat[what]}", check=False)
    machine.guest("/var/vcap/bosh/bin/poweroff -f" if flavour == "runit" else "systemctl poweroff", check=False)
    machine.wait("stopped", power="off")
    machine.kill_container()
    machine.wait("stopped", power="off", boots=2)


def test_an_overlay_inside_the_data_directory_works(bare: Make) -> None:
    machine = bare("runit")

    said = machine.guest(
        "cd /var/vcap/data && mkdir -p o/lower o/upper o/work o/merged && echo below > o/lower/file &&"
        " mount -t overlay -o lowerdir=o/lower,upperdir=o/upper,workdir=o/work overlay o/merged &&"
        " echo above > o/merged/other && cat o/merged/file o/upper/other"
    )

    assert said.split() == ["below", "above"]


def test_the_root_disk_grows_and_keeps_what_is_in_it(bare: Make, node: Node) -> None:
    folder = f"/var/lib/bosh-firmware-tests/root-{uuid.uuid4().hex[:8]}"
    root = {"hostPath": {"path": folder, "type": "DirectoryOrCreate"}}
    machine = bare("runit", size=64, root=root)
    try:
        machine.guest("echo kept > /etc/kept; sync")
        machine.kubectl.delete("pod", machine.name, "--grace-period=1", "--wait=true")
        machine.environment["ROOT_SIZE"] = str(160 * MIB)
        machine.create()
        machine.wait("running", boots=2)

        assert machine.guest("cat /etc/kept") == "kept\n"
        assert int(machine.guest("df -B1 --output=size /var/vcap/data | tail -n 1")) >= 160 * MIB
    finally:
        machine.remove()
        node.sh(f"rm -r {folder}")


def test_a_root_on_a_claim_is_kept_when_the_pod_is_made_anew(bare: Make) -> None:
    machine = bare("runit", wait=False, claim_root=True)
    claim = machine.claim("standard")
    machine.disks.remove(claim)
    machine.root = {"persistentVolumeClaim": {"claimName": claim}}
    machine.kubectl.delete("pod", machine.name, "--grace-period=0", "--force")
    machine.create()
    machine.wait("running")
    machine.guest("echo kept > /etc/kept; echo kept > /var/vcap/data/kept")
    beneath = "/run/bosh-firmware/root/data/sys"  # beneath what the agent may have mounted
    script = f"mkdir -p {beneath}/run {beneath}/log; cd {beneath}; echo 1 > run/pid; echo kept > log/kept"
    machine.code("machine", "sh", "-c", script)

    machine.kubectl.delete("pod", machine.name, "--grace-period=5", "--wait=true")
    machine.create()
    machine.wait("running", boots=2)

    assert machine.guest("cat /etc/kept /var/vcap/data/kept").split() == ["kept", "kept"]
    assert machine.code("machine", "cat", f"{beneath}/log/kept") == (0, "kept\n")
    assert machine.code("machine", "test", "-e", f"{beneath}/run/pid") == (1, "")
    machine.kubectl.delete("pod", machine.name, "--grace-period=1", "--wait=true")
    machine.kubectl.delete("pvc", claim)


def test_a_pod_that_is_cut_off_leaves_no_loop_device(bare: Make, node: Node) -> None:
    machine = bare("systemd")
    image = machine.kubectl.exec(machine.name, "stat", "-c", "%i", "/root-disk/root.img").strip()
    machine.guest("setsid dd if=/dev/zero of=/root/fill bs=64k count=400 < /dev/null > /dev/null 2>&1 &")
    held = node.sh(f"losetup -lnO BACK-INO | grep -cw {image} || true").strip()

    machine.kubectl.delete("pod", machine.name, "--grace-period=0", "--force")

    assert held == "1"
    eventually(lambda: node.sh(f"losetup -lnO BACK-INO | grep -cw {image} || true").strip() == "0", within=60,
               what="the loop device is gone")  # fmt: skip


@pytest.mark.parametrize("flavour", ["runit", "systemd"])
def test_the_guest_has_settings_names_and_devices_of_its_own(bare: Make, flavour: str) -> None:
    machine = bare(flavour)

    path = machine.guest('sed -n \'s/.*"SettingsPath": *"\\([^"]*\\)".*/\\1/p\' /var/vcap/bosh/agent.json').strip()
    mode, text = machine.guest(f"stat -c %a {path}; cat {path}").split("\n", 1)
    hosts = machine.guest("mv /etc/hosts /etc/hosts-x && mv /etc/hosts-x /etc/hosts && cat /etc/hosts")
    devices = machine.guest("cd /dev; ls")

    assert mode == "600"
    assert json.loads(text) == {
        "agent_id": "bare", "networks": {}, "disks": {}, "mbus": "https://mbus:planted-password@0.0.0.0:6868",
    }  # fmt: skip
    assert "localhost" in hosts
    # The agent names the machine by its id, if it has come that far.
    assert machine.guest("hostname").strip() in {machine.name, "bare"}
    assert not {"vda", "sda", "tty1", "mem"} & set(devices.split())
    eventually(lambda: machine.guest("getent hosts kubernetes.default.svc.cluster.local"), within=20,
               what="names of the cluster resolve in the guest")  # fmt: skip


def test_systemd_in_the_guest_leaves_the_node_alone(bare: Make) -> None:
    machine = bare("systemd")

    states = machine.guest(
        "systemctl show -p LoadState --value systemd-sysctl.service systemd-udevd.service getty.target"
        " console-getty.service systemd-timesyncd.service"
    )

    assert set(states.split()) == {"masked"}


def test_the_static_address_takes_what_arrives_for_the_pod(bare: Make) -> None:
    server = bare("runit", wait=False)
    server.environment["ADDRESSES"] = "10.255.255.9"
    server.kubectl.delete("pod", server.name, "--grace-period=0", "--force")
    server.create()
    server.wait("running")
    client = bare("runit")

    ask = "python3 -c 'import socket; print(socket.create_connection((\"{}\", 8080), 3).recv(9).decode())'"
    server.guest(
        'setsid python3 -c \'import socket; s = socket.create_server(("10.255.255.9", 8080))\n'
        'while True: s.accept()[0].send(b"answered")\' < /dev/null > /dev/null 2>&1 &'
    )
    address = server.identity()[1]

    assert "10.255.255.9/32" in server.guest("ip -o address show dev lo")
    eventually(
        lambda: client.guest(ask.format(address)) == "answered\n",
        within=20,
        what="an answer through the Pod's address",
    )
