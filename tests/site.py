"""A living site for tests: the real application on a loopback port, over a database with a small demo
municipality.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx
import uvicorn

from fellesjournal.app import Open, create_app
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.demo.load import load_first, load_rest, open_loader
from fellesjournal.demo.people import INTEGRATION
from fellesjournal.identity import Sessions, issue_demo_token
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import migrate
from fellesjournal.kit.settings import Settings

GP = "Kari Elise Nordhaug"
OTHER_GP = "Jon Lillebakk"
LEGEVAKT_NURSE = "Trude Aasmo"
ELDERLY = "Borghild Ulvestad"
DIABETIC = "Per Arne Moltu"
TONIGHT = "Henrik Sætervik"
SIZE = 40
"""Inhabitants of each municipality in tests; the people of the story are always among them."""


async def load_demo(settings: Settings, keys: Keys) -> None:
    """Migrate a database and load the whole demo into it."""
    await migrate(db.admin_dsn(settings, keys), keys, demo=True)
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as identity:
        await ensure_system_actors(identity, keys=keys)
    # No later than noon: a GP has people to see for the rest of the day, whenever the tests are run.
    now = datetime.now(OSLO).replace(microsecond=0)
    now = min(now, now.replace(hour=11, minute=40, second=0))
    async with open_loader(settings, keys, today=now.date(), progress=lambda *_: None, now=now) as loader:
        await load_first(loader)
        await load_rest(loader)


@dataclass
class Site:
    """A running site. `url` has no slash at the end."""

    settings: Settings
    keys: Keys
    _stoppers: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address."""
        return self.settings.base_url

    def token(self, name: str, *, unit: str | None = None, behalf: str | None = None) -> str:
        """A bearer token for a demo person or system; `behalf` is whom a citizen acts for."""
        return str(_run_apart(self._token(name, unit, behalf)))

    def fhir(self, name: str = INTEGRATION, *, unit: str | None = None, behalf: str | None = None) -> httpx.Client:
        """A client of `/fhir` as a demo person or system."""
        token = self.token(name, unit=unit, behalf=behalf)
        return httpx.Client(base_url=f"{self.url}/fhir", timeout=30, headers={"Authorization": f"Bearer {token}"})

    def client(self, name: str, *, unit: str | None = None, behalf: str | None = None) -> httpx.Client:
        """A browser-like client with a session of a demo person: staff in the first post, or the one at
        `unit`.
        """
        made = httpx.Client(base_url=self.url, timeout=30, follow_redirects=True)
        # As the server itself would set it, so that it is replaced when the context is switched.
        made.cookies.set("fellesjournal", self.token(name, unit=unit, behalf=behalf), domain=made.base_url.host)
        return made

    def patient_id(self, name: str) -> str:
        """The FHIR id of a demo person's own Patient."""
        return str(_run_apart(self._patient_id(name)))

    def row(self, query: str, *arguments: Any) -> Any:
        """The first row of a query as the administrator: what no reader could ask."""
        return _run_apart(self._row(query, *arguments))

    def sign_in(self, page: Any, name: str, *, kind: str = "helsepersonell", unit: str | None = None) -> None:
        """Sign in through the pages and the test provider, in a real browser; `kind` may be `innbygger`."""
        page.goto(f"{self.url}/logg-inn")
        page.locator(f"button[name=hvem][value={kind}]").click()
        page.get_by_role("button", name=re.compile(re.escape(name))).first.click()
        if unit and "/kontekst" in page.url:
            page.get_by_role("button", name=re.compile(re.escape(unit))).first.click()
        page.wait_for_load_state()

    def start_worker(self) -> None:
        """Run the background worker beside the site."""
        from fellesjournal.clinical.correspondence.worker import run

        self._stoppers.append(_in_thread(lambda stop: run(self.settings, self.keys, stop)))

    def stop(self) -> None:
        """Stop what was started."""
        for stop in reversed(self._stoppers):
            stop()

    async def _token(self, name: str, unit: str | None, behalf: str | None) -> str:
        async with (
            await db.Database.connect(self.settings, self.keys, "fj_signin", max_size=1) as signin,
            await db.Database.connect(self.settings, self.keys, "fj_web", max_size=1) as web,
        ):
            sessions = Sessions(signin=signin, web=web, settings=self.settings, keys=self.keys)
            return await issue_demo_token(sessions, name, unit=unit, behalf=behalf)

    async def _patient_id(self, name: str) -> str:
        from fellesjournal.kit.ids import encode

        row = await self._row(
            "SELECT patient, patient_slot FROM identity.person WHERE name = $1 AND patient IS NOT NULL ORDER BY id",
            name,
        )
        assert row is not None, f"no demo person {name}"
        return encode(row["patient_slot"], row["patient"])

    async def _row(self, query: str, *arguments: Any) -> Any:
        connection = await db.connect(db.admin_dsn(self.settings, self.keys))
        try:
            return await connection.fetchrow(query, *arguments)
        finally:
            await connection.close()


@contextlib.contextmanager
def running(settings: Settings, keys: Keys) -> Iterator[Site]:
    """A site over a loaded database, on a free port, for as long as the block lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        site = Site(replace(settings, port=listening.getsockname()[1]), keys)
        stop = _in_thread(lambda stopped: _serve(site, listening, stopped))
        try:
            _await_up(site)
            yield site
        finally:
            site.stop()
            stop()


async def _serve(site: Site, listening: socket.socket, stopped: asyncio.Event) -> None:
    app = create_app(await Open.connect(site.settings, site.keys))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, loop="uvloop", http="httptools"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await stopped.wait()
    server.should_exit = True
    await task


def _run_apart(main: Any) -> Any:
    """The result of a coroutine, run in a thread of its own: a browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result()


def _in_thread(main: Any) -> Any:
    loop = asyncio.new_event_loop()
    stopped = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main(stopped)), daemon=True)
    thread.start()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(20)

    return stop


def _await_up(site: Site) -> None:
    for _ in range(100):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{site.url}/health/live").status_code == 200:
                return
        threading.Event().wait(0.1)
    raise TimeoutError("the site did not come up")
