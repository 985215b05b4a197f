# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""The questions: searches with every modifier, chain and order, reads, histories and operations, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from tests.law.oracle.content import DAYS, ICPC, LOINC, PLACE
from tests.law.oracle.facts import Reader
from tests.law.oracle.world import OracleWorld
from tests.record.search.world import Known

Kind = Literal["chart", "list", "read", "past", "history", "everything", "lastn", "document", "refused"]
KINDS: Final[dict[Kind, int]] = {
    "chart": 50, "list": 22, "read": 10, "past": 4, "history": 4, "everything": 2, "lastn": 2, "document": 2, "refused": 4,
}  # fmt: skip
"""How often each kind of question is asked."""
_STATUS_SET: Final = "http://hl7.org/fhir/ValueSet/observation-status"
_PREFIXES: Final = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

Draw = Callable[[random.Random], str]


@dataclass(frozen=True)
class Shape:
    """What a search asks, whoever asks it and about whom."""

    rtype: str
    query: str
    order: str = ""
    named: str = "patient"
    """The parameter that names the chart; "" for the address of a compartment."""

    def in_chart(self, reader: Reader, who: Known) -> Question:
        """Asked about somebody."""
        if not self.named:
            return Question("chart", reader, f"Patient/{who.id}/{self.rtype}", self.query, who, self.order)
        return Question("chart", reader, self.rtype, f"{self.named}={who.id}&{self.query}", who, self.order)


@dataclass(frozen=True)
class Question:
    """What one reader asks. `about` is the patient or the row that it names."""

    kind: Kind
    reader: Reader
    path: str
    query: str = ""
    about: Known | None = None
    order: str = ""

    def __str__(self) -> str:
        return f"{self.reader.name}: {self.kind} {self.path}?{self.query}"


def _of(name: str, *values: str, most: int = 2) -> Draw:
    def draw(rnd: random.Random) -> str:
        return f"{name}={','.join(rnd.sample(values, rnd.randint(1, min(most, len(values)))))}"

    return draw


def _dated(name: str) -> Draw:
    days = (*DAYS, "2024", "2024-02")
    return lambda rnd: f"{name}={rnd.choice(_PREFIXES)}{rnd.choice(days)}"


_MISSING: Final = ("true", "false")
_LABELLED: Final = ("NORS", "NORU", "UD", "83", "PSY", "PRISON")
_COMMON: Final = (
    _of("_tag", "x", "t|y", "z"), _of("_tag:not", "x"), _of("_security", *_LABELLED), _of("_security:not", *_LABELLED),
    _of("_security:missing", *_MISSING, most=1), _of("_lastUpdated", "gt2020", "lt2020", most=1),
    _of("_content", "hoste", "feber", "Notat", "vondt", most=1),
)  # fmt: skip
ASKED: Final[dict[str, tuple[Draw, ...]]] = {
    "Observation": (
        _of("code", *LOINC), _of("code:not", *LOINC), _of("code:text", "tr", "vekt"), _of("status:not", "final"),
        _of("status:in", _STATUS_SET, most=1), _of("status", "final", "amended", "preliminary"), _dated("date"),
        _of("date:missing", *_MISSING, most=1), _of("encounter:missing", *_MISSING, most=1),
        _of("value-quantity", "5.4", "gt6", "lt7", "ap70", "ne7", "7||mmol/L"), _of("combo-code", *LOINC),
        _of("code-value-quantity", f"{LOINC[0]}$gt6", f"{LOINC[1]}$5.4"), _of("encounter.status", "finished"),
        _of("encounter.class", "AMB", "HH"), _of("encounter.service-provider.name", "Enhet 1", "Enhet 2", most=1),
        _of("subject:Patient.family", "nord", "ås", "berg"), _of("subject:Patient.gender:not", "male"),
        _of("performer:Practitioner.family", "lie", "nord"), _of("performer.active", "true", most=1),
        _of("_has:DiagnosticReport:result:code", *LOINC), _of("_has:DiagnosticReport:result:_tag", "x", "y"),
        _of("_has:Composition:entry:title", "Senere", "Notat"), _of("_has:List:item:status", "current"),
        _of("subject:Patient._has:Condition:asserter:code", *ICPC),
        _of("_filter", "status eq final and date ge 2024-02-01", "code eq 8480-6 or value-quantity gt 6", "not (status eq final)", most=1),
    ),
    "Condition": (
        _of("code", *ICPC), _of("code:not", "K86"), _of("code:text", "noe"), _dated("onset-date"),
        _of("asserter:missing", *_MISSING, most=1), _of("asserter:Patient.gender", "male", "female"),
        _of("encounter.class", "AMB"), _of("subject:Patient.family", "nord", "berg"), _of("encounter:Encounter.date", "gt2024-02"),
        _of("_has:List:item:status", "current"), _of("_has:Composition:entry:status", "final", "preliminary"),
    ),
    "Encounter": (
        _of("status", "finished", "in-progress"), _of("class", "AMB", "HH"), _dated("date"),
        _of("service-provider:missing", *_MISSING, most=1), _of("service-provider.name", "Enhet 1", "Enhet 2", "Enhet 4"),
        _of("_has:Observation:encounter:code", *LOINC), _of("_has:Condition:encounter:code", *ICPC),
        _of("_has:Observation:encounter:_security", *_LABELLED), _of("_has:Composition:encounter:title", "Notat"),
    ),
    "Composition": (
        _of("title", "not", "epi", "sen"), _of("title:exact", "Notat", "notat"), _of("title:contains", "ota", "ikr"), _dated("date"),
        _of("status", "final", "preliminary"), _of("type:text", "notat"), _of("entry:missing", *_MISSING, most=1),
        _of("encounter.status", "finished"), _of("entry:Observation.code", *LOINC), _of("entry:Condition.code", *ICPC),
        _of("_has:Task:focus:status", "requested"),
    ),
    "DiagnosticReport": (
        _of("code", *LOINC), _dated("date"), _of("result.code", *LOINC), _of("result:missing", *_MISSING, most=1),
        _of("result.value-quantity", "gt6"), _of("result.status:not", "final"), _of("result._security", *_LABELLED),
    ),
    "DocumentReference": (
        _dated("date"), _of("status", "current"), _of("security-label", "NORU", "NORS", "NORN_FFL"),
        _of("security-label:missing", *_MISSING, most=1),
    ),
    "Task": (
        _of("status", "requested"), _of("focus:missing", *_MISSING, most=1), _of("focus:Observation.code", *LOINC),
        _of("focus:Condition.code", *ICPC), _dated("authored-on"), _of("patient:missing", *_MISSING, most=1),
        _of("patient.family", "nord"),
    ),
    "MedicationStatement": (_of("status", "active"), _of("code", "C09AA02"), _dated("effective")),
    "RelatedPerson": (_of("name", "nord", "berg"), _of("name:contains", "ord", "erg"), _of("patient.gender", "male")),
    "List": (_of("status", "current"), _of("item:missing", *_MISSING, most=1), _of("item:Observation.code", *LOINC)),
    "Patient": (
        _of("family", "nord", "ås", "berg", "Ødeg"), _of("name:exact", "Åsen", "åsen", "Berg"), _of("name:contains", "ord", "SEN"),
        _of("gender", "male", "female"), _of("gender:not", "male"), _of("identifier", "urn:x|1", "3", "urn:y|1"),
        _of("birthdate", "ge1970", "lt1965-06", "2013", "2009"), _of("active", "true", "false"), _of("address", PLACE, "storg"),
        _of("address-city", "by1", "by2"), _of("address:contains", PLACE[2:6], "gat"), _of("address:missing", *_MISSING, most=1),
        _of("_has:Observation:patient:code", *LOINC), _of("_has:Condition:asserter:code", *ICPC),
        _of("_has:Observation:subject:_security", *_LABELLED), _of("_has:Encounter:patient:service-provider.name", "Enhet 1", "Enhet 2"),
        _of("_has:Condition:subject:code", *ICPC), _of("_has:Task:patient:status", "requested"),
        _of("_has:Composition:patient:entry:Observation.code", *LOINC),
    ),
    "Organization": (_of("name", "enhet", "Enhet 2"), _of("_has:Encounter:service-provider:status", "finished")),
    "Practitioner": (_of("family", "lie", "nord"), _of("_has:Observation:performer:code", *LOINC), _of("active", "true")),
}  # fmt: skip
_ALONG: Final[dict[str, tuple[str, ...]]] = {
    "Observation": (
        "_include=Observation:encounter", "_include=Observation:subject&_include:iterate=Patient:organization",
        "_include=Observation:performer", "_revinclude=DiagnosticReport:result", "_revinclude=Composition:entry",
        "_include=Observation:encounter&_include:iterate=Encounter:service-provider",
    ),
    "Condition": ("_include=Condition:asserter", "_include=Condition:encounter", "_revinclude=List:item"),
    "Encounter": ("_include=Encounter:service-provider", "_revinclude=Observation:encounter", "_revinclude=Condition:encounter"),
    "Composition": ("_include=Composition:entry", "_include=Composition:encounter", "_revinclude=Task:focus"),
    "DiagnosticReport": ("_include=DiagnosticReport:result", "_include=DiagnosticReport:result&_include:iterate=Observation:encounter"),
    "Task": ("_include=Task:focus", "_include=Task:patient"),
    "List": ("_include=List:item",),
    "Patient": ("_revinclude=Condition:asserter", "_revinclude=RelatedPerson:patient", "_revinclude=Observation:subject"),
}  # fmt: skip
_ORDERS: Final = ("_sort=-date", "_sort=date", "_sort=_lastUpdated", "_sort=-_lastUpdated", "_sort=_id")
_DATED_TYPES: Final = frozenset({"Observation", "Composition", "Encounter", "DiagnosticReport", "DocumentReference"})
_AT_A_TIME: Final = 8
_BATCHES: Final = 0.12
_REMEMBERED: Final = 40
_TOGETHER: Final = ("Observation,Condition", "Composition,Task,List", "Observation,Patient,Practitioner")


class Asker:
    """Draws questions over one world."""

    def __init__(self, world: OracleWorld, seed: int, *, kinds: dict[Kind, int] = KINDS, readers: list[Reader] | None = None) -> None:
        self.world, self.rnd, self.kinds, self.readers = world, random.Random(seed), kinds, readers or world.readers
        self.lists = [row.id for row in world.standing if row.rtype == "List"]
        self.notes = [row for row in world.standing if row.rtype == "Composition"]
        self.own = [row for row in world.known if row.patient != 0]
        self.of = {who.pid: [row for row in self.own if row.patient == who.pid] for who in world.patients}
        self.open: dict[str, list[Known]] = {}
        self.shapes: dict[str, list[Shape]] = {"chart": [], "list": []}

    def rounds(self, count: int) -> Iterator[tuple[list[Question], bool]]:
        """So many questions, some at a time: many readers' of one kind, or (True) what one reader asks in a batch."""
        while count > 0:
            many, is_batch = min(count, _AT_A_TIME), self.rnd.random() < _BATCHES
            yield (self._batch(many) if is_batch else self._of_many(many)), is_batch
            count -= many

    def _kind(self) -> Kind:
        return self.rnd.choices(list(self.kinds), list(self.kinds.values()))[0]

    def _batch(self, many: int) -> list[Question]:
        reader = self.rnd.choice(self.readers)
        return [self._draw(reader, self._kind(), self._asked_before) for _ in range(many)]

    def _of_many(self, many: int) -> list[Question]:
        """The same search of many readers, each about theirs; or a question each of another kind."""
        kind = self._kind()
        among = [reader for reader in self.readers if kind != "list" or reader.kind != "citizen"]
        kind = kind if among else "chart"
        shape = self._new_shape(kind)
        return [self._draw(self.rnd.choice(among or self.readers), kind, lambda _: shape) for _ in range(many)]

    def _new_shape(self, kind: Kind) -> Shape:
        if kind not in self.shapes:
            return Shape("", "")
        drawn = self._chart_shape() if kind == "chart" else self._list_shape()
        self.shapes[kind].append(drawn)
        return drawn

    def _asked_before(self, kind: Kind) -> Shape:
        """One of the last searches of a kind, since a batch is another way and not another question."""
        last = self.shapes[kind][-_REMEMBERED:]
        return self.rnd.choice(last) if last else self._new_shape(kind)

    def _draw(self, reader: Reader, kind: Kind, shape: Callable[[Kind], Shape]) -> Question:
        if kind == "chart" or (kind == "list" and reader.kind == "citizen"):
            return shape("chart").in_chart(reader, self._someone(reader))
        if kind == "list":
            drawn = shape(kind)
            return Question("list", reader, drawn.rtype, drawn.query, order=drawn.order)
        asked: dict[str, Callable[[Reader], Question]] = {
            "read": self._read, "past": self._past, "history": self._history, "everything": self._everything,
            "lastn": self._lastn, "document": self._document, "refused": self._refused,
        }  # fmt: skip
        return asked[kind](reader)

    def _someone(self, reader: Reader) -> Known:
        """Four times of five one whose record the reader may open."""
        law, everybody = self.world.law, self.world.patients
        if reader.name not in self.open:
            self.open[reader.name] = [row for row in everybody if law.may_open(reader, row.pid)]
        mine = self.open[reader.name]
        return self.rnd.choice(mine if mine and self.rnd.random() < 0.8 else everybody)

    def _search(self, rtype: str) -> tuple[str, str]:
        rnd = self.rnd
        drawn = rnd.choices((*ASKED[rtype], *_COMMON), k=rnd.choice((0, 1, 1, 2, 2, 3)))
        parts = list(dict.fromkeys(draw(rnd) for draw in drawn))
        if self.lists and rtype in ("Observation", "Condition") and rnd.random() < 0.05:
            parts.append(f"_list={rnd.choice(self.lists)}")
        order = rnd.choice(_ORDERS) if rnd.random() < 0.25 and rtype in _DATED_TYPES else ""
        parts += [order] if order else []
        if rtype in _ALONG and rnd.random() < 0.25:
            parts.append(rnd.choice(_ALONG[rtype]))
        parts += rnd.choice((["_total=accurate"], [], [], ["_summary=count"] if rnd.random() < 0.3 else ["_elements=id"]))
        parts += [f"_count={rnd.choice((3, 10, 50, 50, 50, 50))}"]
        return "&".join(parts), order

    def _chart_shape(self) -> Shape:
        rnd = self.rnd
        if rnd.random() < 0.06:
            return Shape("", f"_type={rnd.choice(_TOGETHER[:2])}&_count=50")
        rtype = rnd.choice([name for name in ASKED if name not in ("Organization", "Practitioner")])
        named = {"Patient": ("_id",), "Task": ("patient",)}.get(rtype, (*("patient", "patient", "patient:Patient") * 3, ""))
        return Shape(rtype, *self._search(rtype), rnd.choice(named))

    def _list_shape(self) -> Shape:
        """As of a chart, and of the directory."""
        rnd = self.rnd
        if rnd.random() < 0.06:
            return Shape("", f"_type={rnd.choice(_TOGETHER)}&_count=50")
        rtype = rnd.choice(list(ASKED))
        return Shape(rtype, *self._search(rtype))

    def _row(self, reader: Reader) -> Known:
        """Half of the time one of a record that the reader may open."""
        mine = self.of[self._someone(reader).pid]
        return self.rnd.choice(mine if self.rnd.random() < 0.5 else self.own)

    def _read(self, reader: Reader) -> Question:
        row = self._row(reader)
        return Question("read", reader, row.ref, about=row)

    def _past(self, reader: Reader) -> Question:
        row = self._row(reader)
        version = self.rnd.randint(1, len(self.world.past(row)))
        return Question("past", reader, f"{row.ref}/_history/{version}", about=row)

    def _history(self, reader: Reader) -> Question:
        count = f"_count={self.rnd.choice((15, 60))}"
        if self.rnd.random() < 0.5:
            row = self._row(reader)
            return Question("history", reader, f"{row.ref}/_history", count, row)
        if self.rnd.random() < 0.3 and reader.kind == "staff":
            return Question("history", reader, "_history", "_count=200")
        who = self._someone(reader)
        return Question("history", reader, "_history", f"patient={who.id}&{count}", who)

    def _everything(self, reader: Reader) -> Question:
        who = self._someone(reader)
        return Question("everything", reader, f"Patient/{who.id}/$everything", f"_count={self.rnd.choice((7, 200))}", who)

    def _lastn(self, reader: Reader) -> Question:
        who = self._someone(reader)
        return Question("lastn", reader, "Observation/$lastn", f"patient={who.id}&code={','.join(LOINC)}", who)

    def _document(self, reader: Reader) -> Question:
        row = self.rnd.choice(self.notes)
        return Question("document", reader, f"Composition/{row.id}/$document", about=row)

    def _refused(self, reader: Reader) -> Question:
        """By a way of writing, and to a place where the reader has nothing: it must be answered as what isn't there."""
        row = self._row(reader)
        return Question("refused", reader, row.ref, about=row)


def encoded(query: str) -> str:
    """A query as it goes over the wire."""
    return quote(query, safe="=&,|$:._-/")
