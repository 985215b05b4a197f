"""What a web process and a worker process run."""

import asyncio
import signal
import socket

import uvicorn
import uvloop

from fellesjournal.app import Open, create_app
from fellesjournal.clinical.correspondence import worker
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings


def run_web(settings: Settings, listening: socket.socket) -> None:
    """Serve the site on a socket that is listened on already, until told to stop.

    The loop is ours to choose here; uvicorn's setting counts only where it makes the loop itself. The standard one
    also leaves such a socket without TCP_NODELAY: every answer then waits 40 ms for the client's acknowledgement.
    """
    uvloop.run(_web(settings, listening))


def run_worker(settings: Settings) -> None:
    """Carry out what waits, until told to stop; what is under way is finished first."""
    asyncio.run(_run_worker(settings))


async def _web(settings: Settings, listening: socket.socket) -> None:
    open_ = await Open.connect(settings, open_keys(settings.data_dir))
    config = uvicorn.Config(
        create_app(open_), log_config=None, access_log=False, server_header=False, lifespan="on",
        http="httptools", ssl_certfile=settings.tls_cert or None, ssl_keyfile=settings.tls_key or None,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=list(settings.trusted_proxies) or None,
        timeout_graceful_shutdown=10,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[listening])


async def _run_worker(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await worker.run(settings, open_keys(settings.data_dir), stop)
