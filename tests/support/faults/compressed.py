"""The CPI's process with deadlines that a test can wait for: `python3 -I -S compressed.py CONFIG.json LIMIT ANSWER`.

Everything else is as `start.py` runs it. Only limits are shorter: how long an answer may take, how long a watch may be
silent, the pauses between two tries, each method's limit and the time to undo.
"""

import sys
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "cpi/src"

ANSWER = 1.0  # seconds that a server may be silent
SILENCE = 1.0  # seconds without a word from a watch
PAUSE = 0.02  # seconds, the first between two tries
LIMIT = 15.0  # seconds for any method
CLEANUP = 5.0  # seconds to undo
RESERVE = 10  # seconds until a process ends come what may


def compress(limit: float, answer: float) -> None:
    """`limit` for any method, `answer` for what a server may be silent, in seconds."""
    from bosh_kubernetes_cpi import call, dispatch, doorway
    from bosh_kubernetes_cpi.transport import api, observe

    dispatch.METHODS.update(
        {name: (module, min(usual, limit), *rest) for name, (module, usual, *rest) in dispatch.METHODS.items()}
    )
    doorway.RESERVE = RESERVE
    call.Call.begin_cleanup.__defaults__ = (CLEANUP * limit / LIMIT,)
    api.FIRST_PAUSE = PAUSE
    api.Api._send.__defaults__ = (answer,)
    observe.SILENCE = SILENCE
    observe.Wait.__init__.__defaults__ = (SILENCE,)


if __name__ == "__main__":
    sys.path.append(str(SOURCE))

    from bosh_kubernetes_cpi.__main__ import main

    limits = [float(word) for word in sys.argv[2:]]
    del sys.argv[2:]
    compress(*limits)
    sys.exit(main())
