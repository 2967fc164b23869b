"""STAND-IN for the health monitor: asks each second, over TLS, whether Director and NATS answer at their addresses, and
prints what came of it: `<port> <status>`, or `<port> <error>`.
"""

import json
import ssl
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())


def status(target: dict[str, Any]) -> str:
    context = ssl.create_default_context(cadata=target["ca"])
    if target.get("certificate"):
        with tempfile.NamedTemporaryFile("w") as pem:
            pem.write(target["certificate"] + target["private_key"])
            pem.flush()
            context.load_cert_chain(pem.name)
    try:
        url = f"https://{target['address']}:{target['port']}/info"
        with urllib.request.urlopen(url, timeout=5, context=context) as response:
            return str(response.status)
    except OSError as error:
        return str(error)


while True:
    for target in CONFIG["targets"]:
        print(target["port"], status(target), flush=True)
    time.sleep(1)
