"""/healthz: 200 while the operator makes progress, 500 with the reason when it does not.

It also answers while a standby waits for the Lease: waiting is healthy. An own small server because kopf's probe
answers nothing before its start-up handlers are through.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

STUCK_AFTER = 300.0  # seconds; no single look at a machine may take that long (every request has its own timeout)


def verdict(oldest: float, worker_done: bool) -> tuple[int, str]:
    """HTTP status and text, from the age of the oldest waiting key (seconds) and whether the queue's task has ended."""
    if worker_done:
        return 500, "the queue's task has ended\n"
    if oldest > STUCK_AFTER:
        return 500, f"a machine waits for its turn since {oldest:.0f} s\n"
    return 200, "ok\n"


async def serve(address: str, port: int, state: Callable[[], tuple[float, bool]]) -> web.AppRunner:
    """Serves /healthz; `state` gives the arguments of `verdict`. The caller cleans the runner up."""

    async def healthz(_: web.Request) -> web.Response:
        status, text = verdict(*state())
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    return runner
