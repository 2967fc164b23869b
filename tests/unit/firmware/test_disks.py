"""What the firmware concludes from mount tables about disks."""

import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.firmware.conftest import Run

OURS = """\
1 0 0:50 / / rw - overlay root rw
2 1 8:1 /hosts/u1/disks /warden-cpi-dev rw master:1 - ext4 /dev/sda1 rw
3 2 7:1 / /warden-cpi-dev/disk-a rw master:2 - ext4 /dev/loop1 rw
"""
GUEST = """\
11 10 0:60 / / rw shared:5 - overlay root rw
12 11 8:1 /hosts/u1/disks /warden-cpi-dev rw shared:6 master:1 - ext4 /dev/sda1 rw
13 12 7:1 / /warden-cpi-dev/disk-a rw shared:7 master:2 - ext4 /dev/loop1 rw
14 11 7:1 / /var/vcap/store rw shared:7 master:2 - ext4 /dev/loop1 rw
15 11 7:1 /sub /opt/part rw shared:7 master:2 - ext4 /dev/loop1 rw
16 11 7:10 / /opt/other rw shared:8 - ext4 /dev/loop10 rw
"""


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [("", ""), ("+ disk-a 7:1 /\n", ""), ("+ disk-b \n+ disk-a 7:1 /\n+ disk-c \n", "disk-b disk-c")],
)
def test_disks_that_are_no_mount_points_are_missing(call: Run, wanted: str, missing: str) -> None:
    assert call("missing", "disks", stdin=wanted + OURS).stdout == missing


def test_status_tells_what_is_there_what_was_and_where_the_guest_has_it(call: Run) -> None:
    done = call("disks_json", "disks", stdin=f"+ disk-a 7:9 /\n+ disk-b \n{OURS}=\n{GUEST}")

    assert json.loads("{" + done.stdout + "}") == {
        "missing": ["disk-b"],
        "disks": {
            "disk-a": {"mounted": True, "key": "7:1 /", "was": "7:9 /", "held": ["/var/vcap/store", "/opt/part"]},
            "disk-b": {"mounted": False, "key": "", "was": "", "held": []},
        },
    }


def test_status_without_guest(call: Run) -> None:
    done = call("disks_json", "disks", stdin=f"+ disk-a 7:1 /\n{OURS}=\n")

    assert json.loads("{" + done.stdout + "}")["disks"]["disk-a"]["held"] == []


@pytest.mark.parametrize(
    ("key", "table", "held"),
    [
        ("7:1 /", GUEST, ["/opt/part", "/var/vcap/store"]),
        ("7:10 /", GUEST, ["/opt/other"]),
        ("8:1 /claims/a", "9 1 8:1 /claims/ab /x rw shared:1 - ext4 d rw\n", []),
        ("8:1 /claims/a", "9 1 8:1 /claims/a/sub /x rw shared:1 - ext4 d rw\n", ["/x"]),
        ("7:1 /", "9 1 7:1 / /warden-cpi-dev/disk-a rw shared:1 master:2 - ext4 d rw\n", []),
        ("7:1 /", "9 1 7:1 / /warden-cpi-dev/disk-a rw master:2 - ext4 d rw\n", []),
        # A private copy does not go when the attachment unbinds: it holds the disk.
        ("7:1 /", "9 1 7:1 / /warden-cpi-dev/disk-a rw - ext4 d rw\n", ["/warden-cpi-dev/disk-a"]),
        ("", GUEST, []),
    ],
)
def test_what_holds_a_disk_in_one_namespace(call: Run, key: str, table: str, held: list[str]) -> None:
    done = call(f"held_in '{key}' /warden-cpi-dev/disk-a", "disks", stdin=table)

    assert done.stdout.split() == held


@pytest.mark.parametrize(
    ("managed", "hints", "store"),
    [
        ("disk-a", '{"disk-a":{"Path":"/warden-cpi-dev/disk-a"}}', "disk-a"),
        ('"disk-a"\n', '{"disk-a":"/warden-cpi-dev/disk-a"}', "disk-a"),
        ("disk-a", '{"disk-ab":{}}', ""),  # detached; the agent keeps the first file for ever
        ("disk-a", "{}", ""),
        ("", '{"disk-a":{}}', ""),
        (None, '{"disk-a":{}}', ""),
        ("disk-a", None, ""),
    ],
)
def test_the_disk_in_use(call: Run, tmp_path: Path, managed: str | None, hints: str | None, store: str) -> None:
    bosh = tmp_path / "root/upper/var/vcap/bosh"
    bosh.mkdir(parents=True)
    if managed is not None:
        (bosh / "managed_disk_settings.json").write_text(managed)
    if hints is not None:
        (bosh / "persistent_disk_hints.json").write_text(hints)

    assert call("store_in_use", "settings", "disks").stdout.strip() == store


@pytest.mark.parametrize(
    ("managed", "listed", "attached", "store"),
    [
        ("disk-a", {"disk-a": ""}, "disk-a", "disk-a"),
        # B came while A was in use, and the agent mounted it, to be filled: A has everything until it is detached.
        ("disk-b", {"disk-a": "", "disk-b": "disk-a"}, "disk-a disk-b", "disk-a"),
        ("disk-b", {"disk-b": "disk-a"}, "disk-a disk-b", "disk-a"),  # A by a hint, from a caller of API 2
        ("disk-b", {"disk-b": "disk-a"}, "disk-b", "disk-b"),
        ("disk-a", {"disk-a": "", "disk-b": "disk-a"}, "disk-a disk-b", "disk-a"),  # B was not mounted yet
        ("disk-c", {"disk-b": "disk-a", "disk-c": "disk-b"}, "disk-a disk-b disk-c", "disk-a"),
        ("", {"disk-a": ""}, "disk-a", ""),
    ],
)  # fmt: skip
def test_the_disk_in_use_of_a_caller_of_api_1(
    call: Run, tmp_path: Path, managed: str, listed: dict[str, str], attached: str, store: str
) -> None:
    known(tmp_path, managed, listed, attached)

    assert call("store_in_use", "settings", "disks").stdout.strip() == store


def known(tmp_path: Path, managed: str, listed: dict[str, str], attached: str) -> Path:
    """The agent's note of its last disk, what the firmware keeps of listed disks, and those of the machine."""
    bosh, state = tmp_path / "root/upper/var/vcap/bosh", tmp_path / "root/state"
    bosh.mkdir(parents=True)
    (bosh / "managed_disk_settings.json").write_text(managed)
    for disk, before in listed.items():
        (state / "listed" / disk).write_text(f"{before}\n")
    for disk in attached.split():
        (state / "disks" / disk).write_text("7:1 /\n")
    return bosh / "managed_disk_settings.json"


@pytest.mark.parametrize(
    ("listed", "store", "first"),
    [
        (("disk-a",), "disk-a", "disk-a"),
        (("disk-a", "disk-b"), "disk-a", "disk-a"),
        (("disk-b",), "disk-a", ""),  # A is known by its hint: with B there would be two
        (("disk-a",), "", "disk-a"),
        (("disk-a", "disk-b"), "", ""),  # nobody can tell which
        ((), "", ""),
    ],
)
def test_one_disk_at_a_boot(call: Run, tmp_path: Path, listed: tuple[str, ...], store: str, first: str) -> None:
    for disk in listed:
        (tmp_path / "root/state/listed" / disk).write_text("\n")

    done = call(f"first_listed '{store}'", "disks")

    assert (done.stdout.strip(), done.returncode, done.stderr) == (first, 0, "")


def test_the_agents_note_names_the_disk_in_use(call: Run, tmp_path: Path) -> None:
    """It reads the whole file: a newline would be a part of the CID."""
    note = known(tmp_path, "disk-b", {"disk-a": "", "disk-b": "disk-a"}, "disk-a disk-b")

    call("note_in_use ''", "disks")
    untouched = note.read_text()
    call("note_in_use disk-a", "disks")

    assert (untouched, note.read_text()) == ("disk-b", "disk-a")


@pytest.mark.parametrize(
    ("hints", "wanted", "kept"),
    [
        ("{}", False, False),  # unmounted, removed, detached: with the file the agent would not come up
        (None, False, False),
        ('{"disk-b":{}}', False, False),
        ('{"disk-a":{}}', False, True),
        ("{}", True, True),  # not detached yet: no agent is better than jobs on an empty store
    ],
)
def test_the_agents_note_of_a_detached_disk_is_removed(
    call: Run, tmp_path: Path, hints: str | None, wanted: bool, kept: bool
) -> None:
    bosh = tmp_path / "root/upper/var/vcap/bosh"
    bosh.mkdir(parents=True)
    (bosh / "managed_disk_settings.json").write_text("disk-a")
    if hints is not None:
        (bosh / "persistent_disk_hints.json").write_text(hints)
    if wanted:
        (tmp_path / "root/state/disks/disk-a").write_text("7:1 /\n")

    done = call("forget_detached", "settings", "disks")

    assert (done.returncode, done.stderr) == (0, "")
    assert (bosh / "managed_disk_settings.json").exists() == kept


@pytest.mark.parametrize(("escaped", "plain"), [("/a", "/a"), (r"/a\040b\134c", "/a b\\c")])
def test_places_of_mount_tables_are_unescaped(call: Run, escaped: str, plain: str) -> None:
    assert call(f"unescape '{escaped}'", "disks").stdout == plain


def test_users_of_a_place_are_named(call: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call(f"exec 9< {tmp_path}/file; echo $$; echo '1 {tmp_path}' | users; echo '' | users", "disks")

    own, *users = done.stdout.splitlines()

    assert own in {user.split()[0] for user in users}


def test_users_are_named_where_more_files_are_open_than_a_command_line_holds(call: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    narrow = (
        "ulimit -s 512; FULL=$(head -c 110000 /dev/zero | tr '\\0' x); export FULL"  # of 128 KiB, the least there is
    )
    with ExitStack() as held:
        for _ in range(900):
            held.enter_context((tmp_path / "file").open())
        done = call(f"{narrow}; echo '1 {tmp_path}' | users", "disks")

    assert str(os.getpid()) in {user.split()[0] for user in done.stdout.splitlines()}, done.stderr


def test_lists_are_json_whatever_is_in_them(call: Run) -> None:
    done = call("json_list", stdin='1 a"b\\c\n\n2 \x1b[0m\n')

    assert json.loads(done.stdout) == ['1 a"b\\c', "2 ?[0m"]
