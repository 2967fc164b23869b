"""What a machine and its traces give away: no cluster credential inside, no agent credential outside its Secret."""

import base64
import uuid

from tests.support.cluster.cpi import Cpi
from tests.support.cluster.machines import Machine

PLANTED = ("planted-mbus-password", "planted-blobstore-password", "planted-env-value", "planted-certificate-key")


def forms(word: str) -> list[str]:
    """A word as it is, and what of its base64 is the same wherever in a longer text it stands."""
    inner = [base64.b64encode(b" " * before + word.encode()).decode().rstrip("=")[2:-2] for before in range(3)]
    return [word, *(form[2:] for form in inner)]


def test_no_service_account_token_in_a_machine(make_machine, stemcell) -> None:
    machine: Machine = make_machine(stemcell)
    # its init's environment: that of a command which comes by `enter` is another
    environment = "tr '\\0' '\\n' < /proc/1/environ | grep KUBERNETES"
    found = machine.guest(f"find / -xdev -path '*serviceaccount*' 2>/dev/null; {environment}", check=False)
    outside = machine.kubectl.exec(machine.cid, "find", "/var/run/secrets", "/run/secrets", check=False)

    assert found == ""
    assert outside == ""


def test_planted_secrets_stand_in_the_secret_and_nowhere_else(
    make_machine, stemcell, cpi_with_planted_secrets: Cpi, operator, everything_said
) -> None:
    environment = {"bosh": {"planted": PLANTED[2], "mbus": {"cert": {"private_key": PLANTED[3]}}}}
    machine: Machine = make_machine(stemcell, cpi=cpi_with_planted_secrets, environment=environment)
    disk = machine.plug()
    machine.cpi("detach_disk", machine.cid, disk)
    secret = machine.kubectl.get("secret", machine.cid)
    assert secret is not None
    kept = base64.b64decode(secret["data"]["credentials.json"]).decode()
    said = everything_said() + machine.cpi.said

    for word in PLANTED:
        assert word in kept
        assert not [form for form in forms(word) if form in said]


def test_two_directors_do_not_see_each_other(make_machine, stemcell, new_cpi) -> None:
    machine: Machine = make_machine(stemcell)
    agent = machine.resource()["spec"]["machine"]["agentID"]
    stranger: Machine = make_machine(stemcell, cpi=new_cpi(str(uuid.uuid4())), agent_id=agent)

    assert stranger.cid != machine.cid
    assert machine.cpi("has_vm", machine.cid) is True
    machine.wait("Running")
