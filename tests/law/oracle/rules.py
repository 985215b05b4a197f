# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""Who may see which row, said as plainly as it can be from the facts that were planted: no SQL, no mask, no index.

It is what the database is held against, so nothing here is taken from it but the dated tables of which role can use which
ground (`Book`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.law.oracle.facts import Against, Facts, Part, Reader
from tests.record.search.world import Known

Json = dict[str, Any]
CODES_9603: Final = "urn:oid:2.16.578.1.12.4.1.1.9603"
STATUS_9202: Final = "urn:oid:2.16.578.1.12.4.1.1.9202"
HOLDS_MANY: Final = frozenset(
    {"Patient", "Encounter", "EpisodeOfCare", "CarePlan", "CareTeam", "List", "Account"}
)
"""What only holds many things together isn't hidden because one of them is."""
SENSITIVE: Final = {
    "P76": "mind", "P16": "drugs", "X92": "sex", "PSY": "mind", "CHILD_PROTECTION": "child", "PRISON": "prison",
}  # fmt: skip
"""The codes and labels of the world that make a row sensitive."""
SENSITIVE_UNIT: Final = {"mental_health": "mind"}
EVERY: Final = frozenset({"mind", "drugs", "sex", "child", "prison"})
RIGHTS: Final = (
    ("lege", "gp", "FASTLEGE", EVERY), ("sykepleier", "gp", "FASTLEGE", frozenset({"mind", "drugs", "sex"})),
    ("lege", "legevakt", "POLBESOK", frozenset({"mind", "drugs"})), ("lege", "", "BLAALYS", EVERY),
    ("sykepleier", "", "BLAALYS", EVERY),
)  # fmt: skip
"""Role, kind of unit ('' any), live ground: what they see of what is sensitive."""
_UNSIGNED: Final = frozenset({"Composition", "DiagnosticReport", "Observation", "DocumentReference"})
_LINK: Final = re.compile(r'/([0-9a-z]{15})["/|#]')


@dataclass(frozen=True)
class Book:
    """Which roles can use a ground, by its code, and of which kind it is."""

    roles: dict[str, frozenset[str]]
    kinds: dict[str, str]


@dataclass
class Law:
    """The rules over one world."""

    facts: Facts
    book: Book
    unit_kinds: dict[int, str]
    versions: dict[int, list[Json]]
    """Every version of every row, by its number."""

    def __post_init__(self) -> None:
        self._covered: dict[int, list[tuple[Part, set[int]]]] = {}
        self._grounds: dict[tuple[str, int], frozenset[str]] = {}
        self._opens: dict[tuple[str, int], bool] = {}
        self._contents: dict[int, list[tuple[Known, Json]]] = {}

    # ── The record ───────────────────────────────────────────────────────────────────────────────

    def may_open(self, reader: Reader, patient: int) -> bool:
        """Whether the reader may open this patient's record at all."""
        key = (reader.name, patient)
        if key not in self._opens:
            self._opens[key] = self._may_open(reader, patient)
        return self._opens[key]

    def _may_open(self, reader: Reader, patient: int) -> bool:
        if reader.kind == "citizen":
            return reader.patient == patient and (not reader.acts_for_another or self._represents(reader, patient))
        if reader.kind == "system":
            return True
        grounds = self.grounds(reader, patient)
        if reader.own == patient or not grounds - {"OVERSTYR"}:
            return False
        is_urgent = "BLAALYS" in grounds
        if patient in self.facts.strict and (patient, reader.person) not in self.facts.named and not is_urgent:
            return False
        return "OVERSTYR" in grounds or not self._is_shut(reader, patient)

    def may_list(self, reader: Reader, patient: int) -> bool:
        """Whether the patient is on the reader's lists: a strictly protected one for named personnel alone."""
        if patient in self.facts.strict and (patient, reader.person) not in self.facts.named:
            return reader.kind == "system"
        return self.may_open(reader, patient)

    def is_on_roster(self, reader: Reader, patient: int) -> bool:
        """Whether a fact of the unit's, not a choice of the reader's, brings the patient into the list of people."""
        if reader.kind == "system":
            return True
        return any(self.book.kinds[ground] == "automatic" for ground in self.grounds(reader, patient))

    def grounds(self, reader: Reader, patient: int) -> frozenset[str]:
        """The live grounds that a member of staff can use."""
        key = (reader.name, patient)
        if key not in self._grounds:
            self._grounds[key] = frozenset(
                need.ground for need in self.facts.needs
                if need.is_live and (need.patient, need.unit) == (patient, reader.unit)
                and need.person in (None, reader.person) and reader.role in self.book.roles[need.ground]
            )  # fmt: skip
        return self._grounds[key]

    def _is_shut(self, reader: Reader, patient: int) -> bool:
        return any(one == patient and against.meets(reader) for one, against in self.facts.whole)

    def _represents(self, reader: Reader, patient: int) -> bool:
        if self._way(reader, patient) == "":
            return False
        sheltered = self.facts.sheltered
        return patient not in sheltered and reader.own not in sheltered

    def _way(self, reader: Reader, patient: int) -> str:
        pair, age = (patient, reader.person), self.facts.born[patient]
        if pair in self.facts.cut:
            return ""
        if pair in self.facts.parents and age < 16:
            return "parent"
        if pair in self.facts.guardians and age >= 18:
            return "guardian"
        return "proxy" if pair in self.facts.proxies and age >= 16 else ""

    # ── The row ──────────────────────────────────────────────────────────────────────────────────

    def sees(self, reader: Reader, row: Known, *, charts: Sequence[int] | None, version: Json | None = None) -> bool:
        """Whether the reader sees a row in these opened charts, or (None) in the lists.

        Of an older `version` both it and the newest must be open.
        """
        if row.patient == 0:
            return True
        if charts is not None:
            is_near = row.patient in charts
        elif row.patient == -1:
            is_near = reader.kind != "citizen" and row.org == reader.unit
        else:
            is_near = self.may_list(reader, row.patient)
        if not is_near:
            return False
        if reader.kind != "system" and not self._is_open_class(reader, row, charts, version):
            return False
        return all(self.may_open(reader, other) for other in row.others)

    def _is_open_class(self, reader: Reader, row: Known, charts: Sequence[int] | None, version: Json | None) -> bool:
        own = [(row, row.resource)] if version is None else [(row, row.resource), (row, version)]
        for source, body in [*own, *self._holding(row)]:
            if "removed" in self.labels(body):
                return False
            if row.patient == -1 and "blocked" in self.labels(body):
                return False
            if reader.kind == "citizen" and self._is_withheld(reader, source, body):
                return False
            if reader.kind == "staff" and row.org != reader.unit and self._is_too_sensitive(reader, source, body, charts):
                return False
        return reader.kind == "citizen" or not self._is_blocked(reader, row, charts)

    def _holding(self, row: Known) -> list[tuple[Known, Json]]:
        """What has this content behind an attachment's address: whatever closes that, closes the content."""
        if row.rtype != "Binary":
            return []
        if row.pid not in self._contents:
            letters = [one for one in self.known if one.rtype == "DocumentReference" and row.id in self._named(one)]
            self._contents[row.pid] = [(one, one.resource) for one in letters]
        return self._contents[row.pid]

    def _is_withheld(self, reader: Reader, row: Known, body: Json) -> bool:
        labels = self.labels(body)
        if "delayed" in labels:
            return True
        if not reader.acts_for_another:
            return "withheld" in labels
        if self._way(reader, row.patient) != "parent":
            return "not-agents" in labels
        is_grown = self.facts.born[row.patient] >= 12
        return "not-parents" in labels or (is_grown and bool(self.secrets(row, body) - {"prison"}))

    def _is_too_sensitive(self, reader: Reader, row: Known, body: Json, charts: Sequence[int] | None) -> bool:
        if charts is None:
            return bool(self.secrets(row, body))
        return any(self.secrets(row, body) - self._opened(reader, chart) for chart in charts)

    def _opened(self, reader: Reader, patient: int) -> frozenset[str]:
        if (patient, reader.secret) in self.facts.opened:
            return EVERY
        grounds = self.grounds(reader, patient)
        found = [
            bits for role, kind, ground, bits in RIGHTS
            if role == reader.role and kind in ("", reader.unit_kind) and ground in grounds
        ]  # fmt: skip
        return frozenset().union(*found)

    def _is_blocked(self, reader: Reader, row: Known, charts: Sequence[int] | None) -> bool:
        if charts is not None and all("OVERSTYR" in self.grounds(reader, chart) for chart in charts):
            return False
        return any(row.pid in pids and part.against.meets(reader) for part, pids in self.covered(row.patient))

    # ── What a row is ────────────────────────────────────────────────────────────────────────────

    def labels(self, body: Json) -> set[str]:
        """What its labels, its type and its status keep it from."""
        found: set[str] = set()
        is_draft = body["resourceType"] in _UNSIGNED and body.get("status") == "preliminary"
        if body["resourceType"] == "Task" or is_draft:
            found |= {"withheld", "not-parents", "not-agents"}
        codes = [*body.get("meta", {}).get("security", [])]
        if body["resourceType"] == "DocumentReference":
            codes += [code for concept in body.get("securityLabel", []) for code in concept["coding"]]
        for one in codes:
            if one["system"] == CODES_9603:
                found |= _MEANS[one["code"]]
            if one["system"] == STATUS_9202:
                found |= {"removed"}
        return found

    def secrets(self, row: Known, body: Json) -> frozenset[str]:
        """Which kinds of sensitive content a row has, by its codes and by the unit that wrote it."""
        codes = set(re.findall(r'"code": "([A-Z0-9_]+)"', json.dumps(body, default=str)))
        found = {SENSITIVE[code] for code in codes & SENSITIVE.keys()}
        kind = SENSITIVE_UNIT.get(self.unit_kinds[row.org])
        return frozenset(found | ({kind} if kind else set()))

    def covered(self, patient: int) -> list[tuple[Part, set[int]]]:
        """Each block of a part of a record with the rows that it covers: what it names and all that would reveal that."""
        if patient not in self._covered:
            rows = [row for row in self.known if row.patient == patient and row.pid != patient]
            names = {row.pid: self._named(row) for row in rows}
            labelled = [row.pid for row in rows if any("blocked" in self.labels(v) for v in self.versions[row.pid])]
            parts = [part for part in self.facts.parts if part.patient == patient]
            parts += [Part(patient, Against(), row=pid) for pid in labelled]
            self._covered[patient] = [(part, self._revealing(part, rows, names)) for part in parts]
        return self._covered[patient]

    known: Sequence[Known] = ()
    """Every row, set when the world is made."""

    def _named(self, row: Known) -> set[str]:
        bodies = (json.dumps(version, default=str) for version in self.versions[row.pid])
        return {link for body in bodies for link in _LINK.findall(body)}

    def _revealing(self, part: Part, rows: Iterable[Known], names: dict[int, set[str]]) -> set[int]:
        every = list(rows)
        covered = {
            row.pid for row in every if row.pid == part.row or row.rtype in part.types or row.org in part.units
        }
        while True:
            ids = {row.id for row in every if row.pid in covered}
            contents = {name for pid in covered for name in names[pid]}
            more = {
                row.pid for row in every
                if (row.rtype not in HOLDS_MANY and names[row.pid] & ids)
                or (row.rtype == "Binary" and row.id in contents)
            } - covered  # fmt: skip
            if not more:
                return covered
            covered |= more


_MEANS: Final[dict[str, set[str]]] = {
    "N": set(),
    "NORS": {"blocked"},
    "NORU": {"delayed"},
    "NORN_FFL": {"withheld"},
    "NORN_FORANS": {"not-parents"},
    "UD": {"withheld", "not-parents", "not-agents"},
}
