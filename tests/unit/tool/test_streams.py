"""Standard streams as a person's machine may have them."""

import json
import os
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "bosh_kubernetes_cpi"]


def test_a_character_that_the_locale_lacks_is_escaped(tmp_path: Path) -> None:
    config = tmp_path / "cpi.json"
    config.write_text(json.dumps({"näme": ""}))

    said = subprocess.run(
        [*COMMAND, "doctor", "--config", str(config)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert said.returncode == 1, said.stderr
    assert "unknown key 'n\\xe4me'" in said.stdout


def test_a_standard_input_that_is_closed_is_no_terminal() -> None:
    command = 'exec "$@" <&-'

    said = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND, "orphans", "--director", "uuid", "--delete"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (said.returncode, said.stdout) == (2, ""), said.stderr
    assert "needs --yes" in said.stderr
