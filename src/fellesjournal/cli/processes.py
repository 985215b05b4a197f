"""What a web process and a worker process run."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.middleware import Middleware

from fellesjournal.app import Open, create_app, operations_routes
from fellesjournal.cli.serve import bind
from fellesjournal.clinical.correspondence import worker
from fellesjournal.identity import CanonicalHost
from fellesjournal.kit.health import Health
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.api.sockets import MAX_FRAME


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
    app = create_app(open_)
    _settle()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="on",
        http="httptools", ssl_certfile=settings.tls_cert or None, ssl_keyfile=settings.tls_key or None,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=list(settings.trusted_proxies) or None,
        timeout_graceful_shutdown=10, ws="websockets-sansio", ws_max_size=MAX_FRAME, ws_per_message_deflate=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[listening])


def _settle() -> None:
    """Take what was made at the start out of the garbage collector's sight.

    Definitions, plans and routes are hundreds of thousands of objects that live as long as the process: each full
    collection looked at all of them, while every request waited.
    """
    gc.collect()
    gc.freeze()


async def _run_worker(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    health = Health()
    async with _answering(settings, health):
        await worker.run(settings, open_keys(settings.data_dir), stop, health=health)


@asynccontextmanager
async def _answering(settings: Settings, health: Health) -> AsyncIterator[None]:
    """The worker's metrics and health on loopback, for as long as the block lasts; nothing without a port.

    Raises PortTaken.
    """
    if not settings.worker_port:
        yield
        return
    here = replace(
        settings, host="127.0.0.1", port=settings.worker_port, public_url="", tls_cert="", tls_key=""
    )
    with closing(bind(here, chosen_by="worker_port")) as listening:
        app = Starlette(routes=operations_routes(), middleware=[Middleware(CanonicalHost, settings=here)])
        app.state.health = health
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves the signals to the worker, which ends its work first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield
