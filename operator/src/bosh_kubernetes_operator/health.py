"""/healthz: 200 while the operator makes progress, 500 with the reason when it does not.

It also answers while a standby waits for the Lease: waiting is healthy. An own small server because kopf's probe
answers nothing before its start-up handlers are through.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

STUCK_AFTER = 300.0  # seconds; more than any turn may take (queue.MOST): nodes that hang are no fault of ours


def verdict(stuck: float, worker_done: bool) -> tuple[int, str]:
    """HTTP status and text, from how long the queue has made no progress (seconds) and whether its task has ended."""
    if worker_done:
        return 500, "the queue's task has ended\n"
    if stuck > STUCK_AFTER:
        return 500, f"there is work to do, and no look at a machine has begun or ended for {stuck:.0f} s\n"
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
