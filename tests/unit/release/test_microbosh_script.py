"""microbosh: the words with which its script calls client, kubectl, kind and helm, and what it says when it cannot."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.chart.rendering import CHART, RELEASE, helm, one

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "cpi/release/microbosh"
OPS = ROOT / "cpi/release/ops/kubernetes"
FAKE_KUBECTL = """#!/bin/sh
# STAND-IN for kubectl: answers what the script asks for, and notes what it applies.
case "$*" in
  *"--context other"*) echo "error: context other does not exist" >&2; exit 1 ;;
  *"config view --minify"*) echo https://127.0.0.1:6443 ;;
  *"get secret bosh-cpi-token"*) printf 'kubernetes: {server: s, ca: c, token: t}\\nnamespace: bosh-machines\\n' ;;
  *"get service kubernetes"*) echo 10.96.0.1 ;;
  *"get nodes"*) [ -n "${NODES:-}" ] || { echo no route to the API server >&2; exit 1; }; echo "$NODES" ;;
  *"get pods"*) ;;
  *" apply -f "*) echo "$*" >>"$NOTES" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
FAKE_BOSH = f"""#!/bin/sh
# STAND-IN for the client: `int` is the driver's, other commands are noted.
if [ "$1" = int ]; then PYTHONPATH={ROOT} exec {sys.executable} -m tests.e2e.driver "$@"; fi
for word in "$@"; do echo "$word" >>"$NOTES"; done
"""
FAKE_KIND = """#!/bin/sh
# STAND-IN for kind: has one cluster; what else it is told to do is noted.
case "$*" in "get clusters") echo microbosh ;; *) echo "$*" >>"$NOTES" ;; esac
"""
FAKE_DOCKER = """#!/bin/sh
# STAND-IN for docker: knows how many CPUs there are; what else it is told to do is noted.
case "$1" in info) echo "${CPUS:-8}" ;; *) echo "$*" >>"$NOTES" ;; esac
"""
FAKE_HELM = """#!/bin/sh
# STAND-IN for helm: notes its words.
for word in "$@"; do echo "$word" >>"$NOTES"; done
"""
PROGRAMS = {"kubectl": FAKE_KUBECTL, "bosh": FAKE_BOSH, "kind": FAKE_KIND, "helm": FAKE_HELM}
PROGRAMS |= {"ruby": "#!/bin/sh\n", "docker": FAKE_DOCKER}


class Script:
    """The script with stand-ins for what it calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        for name, text in PROGRAMS.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        deployment = folder / "bosh-deployment/docker"
        deployment.mkdir(parents=True)
        stemcell = {"url": "https://example.com/s.tgz", "sha1": "0123"}
        (deployment / "cpi.yml").write_text(
            yaml.safe_dump([{"name": "cpi", "value": {}}, {"name": "stemcell", "value": stemcell}])
        )
        (folder / "cpi.tgz").touch()

    def run(
        self, *words: str, program: Path = FOLDER / "microbosh", cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        given = {"MICROBOSH": str(self.folder), "CPI_RELEASE": str(self.folder / "cpi.tgz"), "NOTES": str(self.notes)}
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            [program, *words], env={"PATH": path, **given, **environment}, cwd=cwd or self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        """-v of the noted call."""
        words = self.notes.read_text().splitlines()
        pairs = [words[at + 1] for at, word in enumerate(words) if word == "-v"]
        return dict(pair.split("=", 1) for pair in pairs)

    def ops(self) -> list[str]:
        return re.findall(r"/ops/kubernetes/([\w-]+)\.yml", self.notes.read_text())


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_director_takes_the_stemcell_of_bosh_deployment_and_all_that_kind_needs(script: Script) -> None:
    done = script.run("director", "-o", "mine.yml")

    assert done.returncode == 0, done.stderr
    assert script.ops() == ["cpi", "chart-registry", "inside-server", "node-ports", "kind"]
    assert script.variables() == {
        "kubernetes_cluster_ip": "10.96.0.1",
        "cpi_release": f"file://{script.folder}/cpi.tgz",
        "stemcell_url": "https://example.com/s.tgz",
        "stemcell_sha1": "0123",
        "director_name": "bosh",
        "internal_ip": "10.96.0.200",
        "internal_cidr": "10.96.0.0/16",
        "internal_gw": "10.96.0.1",
        "external_ip": "127.0.0.1",
    }
    noted = script.notes.read_text().splitlines()
    assert noted[-2:] == ["-o", "mine.yml"]
    assert "node-ports.yml" in noted[0], "the Service is there before the machine"
    assert (script.folder / "kubernetes.yml").stat().st_mode & 0o077 == 0, "it holds a token"


def test_a_stemcell_of_one_s_own_needs_no_digest(script: Script) -> None:
    done = script.run("director", STEMCELL=str(script.folder / "cpi.tgz"))

    assert done.returncode == 0, done.stderr
    assert script.variables()["stemcell_url"] == f"file://{script.folder}/cpi.tgz"
    assert script.variables()["stemcell_sha1"] == '""'


def test_paths_are_read_from_the_current_folder(script: Script) -> None:
    """The client reads a relative one from the manifest's."""
    done = script.run("director", STEMCELL="cpi.tgz", CPI_RELEASE="./cpi.tgz", MICROBOSH=".")

    assert done.returncode == 0, done.stderr
    assert script.variables()["stemcell_url"] == f"file://{script.folder}/cpi.tgz"
    assert script.variables()["cpi_release"] == f"file://{script.folder}/./cpi.tgz"
    assert str(script.folder) in script.notes.read_text()


def test_script_finds_its_files_whatever_cd_is_told_to_search(script: Script) -> None:
    done = script.run("director", program=(FOLDER / "microbosh").relative_to(ROOT), cwd=ROOT, CDPATH=f".:{ROOT}/cpi")

    assert done.returncode == 0, done.stderr
    assert str(OPS / "kind.yml") in script.notes.read_text().replace("/microbosh/../", "/")


def test_cluster_that_answers_is_left_alone(script: Script) -> None:
    done = script.run("cluster", NODES="10.0.0.1")

    assert (done.returncode, done.stderr) == (0, "")
    assert not script.notes.exists()


def test_cluster_that_does_not_answer_is_not_taken_for_whole(script: Script) -> None:
    """kind lists one whose making was interrupted, and one whose node is stopped."""
    done = script.run("cluster")

    assert done.returncode == 1
    assert "docker start microbosh-control-plane" in done.stderr
    assert "kind delete cluster --name microbosh" in done.stderr
    assert not script.notes.exists()


def test_cluster_of_another_name_is_another_one(script: Script) -> None:
    done = script.run("cluster", CLUSTER="micro.osh", NODES="10.0.0.1")

    assert done.returncode == 0, done.stderr
    assert "create cluster --name micro.osh" in script.notes.read_text()


def test_operator_is_installed_by_values_that_the_chart_takes(script: Script) -> None:
    """Whatever its tag looks like, and wherever the API server's connections come from."""
    done = script.run(
        "operator", OPERATOR_IMAGE="registry.example.com:5000/operator:7", NODES="172.18.0.2 fc00::2 172.18.0.3"
    )
    words = script.notes.read_text().splitlines()
    values = [word for at, word in enumerate(words) if "--set" in word or "--set" in words[at - 1]]
    rendered = [each for each in yaml.safe_load_all(helm("template", RELEASE, str(CHART), *values)) if each]

    assert done.returncode == 0, done.stderr
    deployment = one(rendered, "Deployment", RELEASE)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example.com:5000/operator:7"
    (rule,) = one(rendered, "NetworkPolicy", "bosh-registry")["spec"]["ingress"]
    assert [peer["ipBlock"]["cidr"] for peer in rule["from"] if "ipBlock" in peer] == [
        "172.18.0.2/32", "fc00::2/128", "172.18.0.3/32",
    ]  # fmt: skip


def test_where_no_director_is_nothing_is_exported(script: Script) -> None:
    (script.folder / "bosh").write_text("#!/bin/sh\necho no such file >&2; exit 1\n")
    done = script.run("env")

    assert done.returncode != 0
    assert done.stdout == ""


def test_delete_has_the_words_of_create(script: Script) -> None:
    script.run("director")
    created = script.notes.read_text().splitlines()[1:]
    script.notes.unlink()
    done = script.run("delete")

    assert done.returncode == 0, done.stderr
    assert created[0] == "create-env"
    assert script.notes.read_text().splitlines() == ["delete-env", *created[1:]]


@pytest.mark.parametrize(
    ("words", "environment", "says", "code"),
    [
        (["director"], {"CPI_RELEASE": "/nonexistent"}, "make release", 1),
        (["director"], {"STEMCELL": "/nonexistent.tgz"}, "/nonexistent.tgz: no such file", 1),
        (["director"], {"BOSH": "no-such-client"}, "not on the PATH: no-such-client", 1),
        (["director"], {"CONTEXT": "other"}, "no context other", 1),
        (["env"], {}, "microbosh director", 1),
        (["check"], {"BOSH": "no-such-client"}, "not on the PATH: no-such-client", 1),
        (["up"], {"BOSH": "no-such-client"}, "not on the PATH: no-such-client", 1),
        ([], {}, "usage: microbosh COMMAND", 64),
        (["destroy"], {}, "usage: microbosh COMMAND", 64),
    ],
)
def test_what_is_missing_is_said(
    script: Script, words: list[str], environment: dict[str, str], says: str, code: int
) -> None:
    done = script.run(*words, **environment)

    assert says in done.stderr
    assert done.returncode == code
    assert not script.notes.exists(), "something was done"


def test_few_processors_are_told_before_a_machine_waits_for_room(script: Script) -> None:
    done = script.run("check", CPUS="2")

    assert done.returncode == 0, done.stderr
    assert "2 CPUs" in done.stderr
    assert script.run("check").stderr == ""


def test_a_new_cluster_is_not_made_beside_the_state_of_another_one(script: Script) -> None:
    """The client would look in it for the stemcell and the disk that the state names."""
    (script.folder / "state.json").write_text("{}")
    done = script.run("cluster", CLUSTER="new")

    assert done.returncode == 1
    assert f"{script.folder}/state.json" in done.stderr
    assert not script.notes.exists(), "something was done"


def test_the_client_s_own_variable_for_a_deployment_is_left_alone(script: Script) -> None:
    done = script.run("director", BOSH_DEPLOYMENT="zookeeper")

    assert done.returncode == 0, done.stderr
    assert f"{script.folder}/bosh-deployment/bosh.yml" in script.notes.read_text()


def test_why_an_operator_does_not_start_is_told_by_the_command_that_is_named(script: Script) -> None:
    (script.folder / "helm").write_text("#!/bin/sh\nexit 1\n")
    done = script.run("operator", OPERATOR_IMAGE="example.com/operator:1", NAMESPACE="vms", NODES="172.18.0.2")

    assert done.returncode == 1
    assert "--namespace vms describe pods" in done.stderr
