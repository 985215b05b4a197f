"""What waits for the demo's reviewers, made as people make it: a citizen's question about a reading, a use of emergency
access, and a colleague's chart that the reading of the log finds.

Staff and inhabitants are signed in and go the same way as on the pages; nothing is written past the product. A tiny
world has fewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from fellesjournal.access import analysis, audit
from fellesjournal.access.choices.actions import choose, end_choice
from fellesjournal.access.decide import Decision, open_chart, within
from fellesjournal.access.model import PatientId
from fellesjournal.clinical.correspondence.actors import CONTROL, SystemSession
from fellesjournal.clinical.identification.actions import identify
from fellesjournal.clinical.identification.model import parse_asked
from fellesjournal.clinical.overview.storyboard import wishes
from fellesjournal.clinical.pieces import patient_id
from fellesjournal.clinical.review.jobs import Analyst
from fellesjournal.demo import story
from fellesjournal.demo.charts.legevakt import UNIT as LEGEVAKT
from fellesjournal.demo.load import Loader, is_done, load_charts, mark
from fellesjournal.demo.model import Person, Staff
from fellesjournal.identity.model import Reader, SecurityLevel
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.clock import SystemClock, age_on, oslo_day
from fellesjournal.kit.db import Database
from fellesjournal.kit.settings import Settings
from fellesjournal.record.journal import Vault

_DONE: Final = "reviews"
_EMERGENCY: Final = "BLAALYS"
_FOUND: Final = (
    "Funnet bevisstløs på butikken, AMK har varslet. Legebilen er ti minutter unna: "
    "må vite om blodfortynnende, allergier og sykdommer før vi er framme."
)
_QUESTION: Final = (
    "Jeg har ikke vært hos legen på flere uker, men ser at noen på legekontoret har åpnet journalen min i dag. "
    "Hva gjaldt det?"
)
_DEVICE: Final = "Firefox på Windows"
_OLD: Final = range(60, 86)


@dataclass(frozen=True)
class _Stage:
    """Where it is played: the loader's world, and the web's own way in."""

    loader: Loader
    web: Database
    vault: Vault
    sessions: Sessions

    def patient(self, person: Person) -> PatientId:
        """A person's record."""
        return PatientId(self.loader.keyring.slot(person.key), self.loader.keyring.pid(person.key))

    @asynccontextmanager
    async def at_work(self, member: Staff, unit: str) -> AsyncIterator[Reader]:
        """A member of staff, signed in at a unit."""
        number, at = self.loader.staff[member.key], self.loader.keyring.pid(unit)
        post = next(post for post in await self.sessions.posts_of(number) if post.unit == at)
        secret = await self.sessions.start_staff(
            person=number, post=post.id, level=SecurityLevel.HIGH, device=_DEVICE
        )
        async with self._signed_in(secret) as reader:
            yield reader

    @asynccontextmanager
    async def at_home(self, person: Person) -> AsyncIterator[Reader]:
        """An inhabitant of the story, signed in to the own record."""
        found = await self.sessions.find_demo(person.name)
        assert found is not None  # noqa: S101 - everyone of the story can be signed in as
        secret = await self.sessions.start_citizen(person=found[0], level=SecurityLevel.HIGH, device=_DEVICE)
        async with self._signed_in(secret) as reader:
            yield reader

    @asynccontextmanager
    async def _signed_in(self, secret: bytes) -> AsyncIterator[Reader]:
        reader = await self.sessions.who(secret)
        assert reader is not None  # noqa: S101 - started a moment ago
        yield reader
        await self.sessions.end(secret)


async def put_reviews(settings: Settings, loader: Loader) -> None:
    """Play it once; a run that was stopped before its end plays it again."""
    if await is_done(loader, _DONE):
        return
    roles = ("fj_web", "fj_signin", "fj_worker")
    web, signin, worker = [await Database.connect(settings, loader.keys, role, max_size=2) for role in roles]
    try:
        sessions = Sessions(signin=signin, web=web, settings=settings, keys=loader.keys)
        stage = _Stage(loader, web, Vault(web, keys=loader.keys), sessions)
        today = oslo_day(SystemClock().now())
        await _ask(stage)
        await _hurry(stage)
        await _look_at_a_colleague(stage)
        await _read_the_log(settings, loader, worker, today)
    finally:
        for database in (web, signin, worker):
            await database.close()
    await mark(loader, _DONE)


async def _ask(stage: _Stage) -> None:
    """The GP opens the chart of one whose results have come; he sees it, and wonders."""
    gp, person = _member(stage, story.GP), _person(stage, story.DIABETIC)
    async with stage.at_work(gp, gp.posts[0].unit_key) as reader:
        await _read(stage, reader, person, "Observation")
    async with stage.at_home(person) as reader:
        decision, wish = within(reader), audit.OwnWish(person=gp.name, with_own=False)
        lines = await audit.own_log(stage.web, decision=decision, wish=wish, limit=1)
        await audit.ask_about(stage.web, decision=decision, place=lines[0].place, question=_QUESTION)


async def _hurry(stage: _Stage) -> None:
    """A nurse at the legevakt finds one whom they have nothing to do with yet, opens the chart and closes it again."""
    nurse = next(one for one in _at(stage, LEGEVAKT, "sykepleier") if one.key != story.LEGEVAKT_NURSE)
    person = next((one for one in stage.loader.world.people if _is_old(one, stage.loader.today)), None)
    if person is None:
        return
    await load_charts(stage.loader, [person], what="Skriver journalen som åpnes med blålys")
    async with stage.at_work(nurse, LEGEVAKT) as reader:
        patient, today = stage.patient(person), stage.loader.today
        asked = parse_asked(person.national_id or "", is_demo=True, today=today)
        await identify(stage.vault.open(within(reader)), asked=asked)
        await choose(stage.web, reader=reader, patient=patient, ground=_EMERGENCY, reason=_FOUND)
        await _read(stage, reader, person)
        await end_choice(stage.web, reader=reader, patient=patient, ground=_EMERGENCY)


async def _look_at_a_colleague(stage: _Stage) -> None:
    """At a practice somebody reads the chart of one who works there and is on its list, with nothing to do in it."""
    found = next(_colleagues(stage), None)
    if found is None:
        return
    reader_of, person, unit = found
    await load_charts(stage.loader, [person], what="Skriver journalen til en ansatt")
    async with stage.at_work(reader_of, unit) as reader:
        await _read(stage, reader, person, "Composition", "Observation", "MedicationStatement")


async def _read(stage: _Stage, reader: Reader, person: Person, *kinds: str) -> None:
    """The chart's first page, and what is looked at after it."""
    patient = stage.patient(person)
    decision: Decision = await open_chart(stage.web, reader=reader, patient=patient)
    journal, named = stage.vault.open(decision), patient_id(patient)
    await journal.search_many(wishes(named))
    for kind in kinds:
        await journal.search(kind, [("patient", named), ("_count", "50")])


async def _read_the_log(settings: Settings, loader: Loader, worker: Database, today: date) -> None:
    """As in the night: learn who is who, then read the day through."""
    sessions = Sessions(signin=worker, web=worker, settings=settings, keys=loader.keys)
    session = SystemSession(sessions, actor=CONTROL)
    analyst = Analyst(worker, hash64=loader.keys.hash64, secret=session.secret, stop=asyncio.Event())
    await analyst.learn()
    await analysis.analyse(worker, secret=await session.secret(), day=today)
    await session.end()


def _colleagues(stage: _Stage) -> Iterator[tuple[Staff, Person, str]]:
    """A secretary and somebody else at the same practice who is on its list, and the practice."""
    people = {one.key: one for one in stage.loader.world.people}
    for member in stage.loader.world.staff:
        person = people.get(member.person_key or "")
        unit = person.gp_unit if person else None
        if person and unit and not person.deceased_on and any(post.unit_key == unit for post in member.posts):
            yield from ((one, person, unit) for one in _at(stage, unit, "helsesekretær") if one != member)


def _member(stage: _Stage, key: str) -> Staff:
    return next(one for one in stage.loader.world.staff if one.key == key)


def _person(stage: _Stage, key: str) -> Person:
    return next(one for one in stage.loader.world.people if one.key == key)


def _at(stage: _Stage, unit: str, role: str) -> list[Staff]:
    """Those who work at a unit in a role."""
    return [
        one for one in stage.loader.world.staff
        if any(post.unit_key == unit and post.role == role for post in one.posts)
    ]  # fmt: skip


def _is_old(person: Person, today: date) -> bool:
    is_free = not (person.case or person.bookings or person.protected or person.deceased_on or person.services)
    return bool(is_free and person.national_id and person.gp_unit) and age_on(person.birth_on, day=today) in _OLD
