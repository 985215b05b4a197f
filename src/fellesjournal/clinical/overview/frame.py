"""One patient's chart, opened for one page: everything that the page needs by one search, with the
storyboard.
"""

from __future__ import annotations

from asyncio import gather
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from markupsafe import Markup
from starlette.requests import Request

from fellesjournal.access import representation
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import PatientId
from fellesjournal.clinical.directory import Directory, directory_for
from fellesjournal.clinical.overview.storyboard import Wish, exceptions_of, storyboard, wishes
from fellesjournal.clinical.pages import context_field, journal_of, now
from fellesjournal.clinical.pieces import Json, day, patient_id
from fellesjournal.identity.model import Reader
from fellesjournal.kit.clock import OSLO, age_on
from fellesjournal.record.errors import NotFound
from fellesjournal.record.journal import Journal
from fellesjournal.web import Storyboard, language_of

_NAMELESS: Final = ("Observation", "MedicationStatement")
"""Types whose people and units no page of a chart names."""
ALONG: Final = "along"
"""Where a frame keeps what the searches included."""


@dataclass(frozen=True)
class Frame:
    """What a page of a chart has at hand.

    `found` holds the page's own searches by name, each in its order. `directory` names those whom a page about this
    person may name.
    """

    journal: Journal
    decision: Decision
    story: Storyboard
    person: Json
    found: dict[str, list[Json]]
    totals: dict[str, int | None]
    directory: Directory
    at: datetime
    language: str

    @property
    def patient(self) -> PatientId:
        """Whose chart it is."""
        return patient_of(self.decision)

    @property
    def reader(self) -> Reader:
        """Who reads."""
        return self.decision.reader

    @property
    def context(self) -> Markup:
        """The hidden field that binds a form of the frame to the role and unit."""
        return context_field(self.reader)

    @property
    def is_minor(self) -> bool:
        """Whether the patient is under 18 today."""
        born = day(self.person.get("birthDate"))
        return born is not None and age_on(born, day=self.at.astimezone(OSLO).date()) < 18

    @property
    def url(self) -> str:
        """The chart's own address."""
        return self.story.chart_url


async def directory_of(frame: Frame, resources: Sequence[Json]) -> Directory:
    """Whom further resources of the chart name, as far as a page about this person may name them."""
    return (await directory_for(frame.journal, resources)).about(frame.person, frame.language)


async def open_frame(
    request: Request, decision: Decision, more: Sequence[Wish] = (), *, journal: Journal | None = None
) -> Frame:
    """Read the storyboard and the page's own wishes in one call. Raises NotFound, NoNeed, SessionOver."""
    journal = journal or journal_of(request, decision)
    patient = patient_id(patient_of(decision))
    kin = representation.kin_of(request.app.state.access_db, decision=decision, patient=patient_of(decision))
    pages, chosen = await gather(journal.search_many([*wishes(patient), *more]), kin)
    found = {name: [stored.resource() for stored in page.matches] for name, page in pages.items()}
    # Search tells not by which wish something came along: it is kept together.
    found[ALONG] = [stored.resource() for page in pages.values() for stored in page.included]
    if not found["patient"]:
        raise NotFound
    everyone = await directory_for(
        journal, [one for rows in found.values() for one in rows if one["resourceType"] not in _NAMELESS]
    )
    at, language = now(request), language_of(request)
    directory = everyone.about(found["patient"][0], language)
    story = storyboard(
        found,
        decision=decision,
        directory=directory,
        on=at.astimezone(OSLO).date(),
        language=language,
        chart_url=chart_url(patient),
        chosen=chosen,
    )
    shown = exceptions_of(decision, at=at, language=language, chart_url=story.chart_url)
    story = replace(story, exceptions=shown) if shown else story
    totals = {name: page.total for name, page in pages.items()}
    return Frame(journal, decision, story, found["patient"][0], found, totals, directory, at, language)


def patient_of(decision: Decision) -> PatientId:
    """The patient that a chart's decision is about. Raises NotFound for a decision about none."""
    if decision.patient is None:
        raise NotFound
    return decision.patient


def chart_url(patient: str) -> str:
    """The address of a patient's chart."""
    return f"/pasienter/{patient}"
