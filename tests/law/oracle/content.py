# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""What is written about each patient of the oracle's world: rows that name each other, with codes and labels of every kind."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from tests.law.oracle.rules import CODES_9603, STATUS_9202
from tests.record.search.world import Known

Json = dict[str, Any]
FAMILIES: Final = ("Nordmann", "Nordvik", "Åsen", "Aasen", "Østby", "Ødegård", "Berg", "Bergan")
LOINC: Final = ("8480-6", "8462-4", "29463-7", "718-7")
ICPC: Final = ("K86", "T90", "R05", "P76", "P16", "X92")
DAYS: Final = tuple(f"2024-0{month}-{day:02}" for month in (1, 2, 3) for day in (1, 2, 15, 28))
ICPC_SYSTEM: Final = "urn:oid:2.16.578.1.12.4.1.1.7170"
ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OURS: Final = "urn:fellesjournal:sensitivity"
PLACE: Final = "Sperrelia"
"""The street of those whose address is protected: it comes out of no search."""
_LABELS: Final = (
    (CODES_9603, "NORS"), (CODES_9603, "NORU"), (CODES_9603, "NORN_FFL"), (CODES_9603, "NORN_FORANS"), (CODES_9603, "UD"),
    (CODES_9603, "N"), (STATUS_9202, "83"), (ACT, "PSY"), (OURS, "CHILD_PROTECTION"), (OURS, "PRISON"),
)  # fmt: skip


class Writer:
    """Makes the rows of one patient, a batch at a time; each has a mark that stands in no other row or version."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.marks = 0

    def mark(self) -> Json:
        """A tag of its own: where it is read, its row was shown."""
        self.marks += 1
        return {"system": "urn:mark", "code": f"mk{self.marks:06}x"}

    def meta(self, *, often: float = 0.3) -> Json:
        """A mark, a tag to search by, and now and then a label."""
        made: Json = {"tag": [self.mark(), {"system": "t", "code": self.rnd.choice("xyz")}]}
        if self.rnd.random() < often:
            system, code = self.rnd.choice(_LABELS)
            made["security"] = [{"system": system, "code": code}]
        return made

    def spoken(self, resource: Json) -> Json:
        """The row with its mark in what people read of it, so that a page that shows it tells."""
        mark = resource["meta"]["tag"][0]["code"]
        made = dict(resource)
        if resource["resourceType"] in ("Observation", "Condition"):
            made["code"] = resource["code"] | {"text": f"{resource['code'].get('text', 'Diagnose')} {mark}"}
        elif resource["resourceType"] == "Composition":
            text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">Sett {mark}</div>'}
            made["section"] = [section | {"title": "Notat", "text": text} for section in resource["section"]]
        elif resource["resourceType"] in ("Task", "DocumentReference"):
            made["description"] = f"Om {mark}"
        return made

    def person(self, n: int, *, age: int, protection: str = "") -> Json:
        """A Patient; `protection` is Grunndata's code of a protected address."""
        meta: Json = {"tag": [self.mark()]}
        if protection:
            meta["security"] = [
                {"system": "http://hl7.no/fhir/NamingSystem/addressProtection", "code": protection}
            ]
        street = PLACE if protection else self.rnd.choice(("Storgata", "Nygata"))
        return {
            "resourceType": "Patient", "meta": meta, "active": n % 3 != 0,
            "name": [{"family": FAMILIES[n % len(FAMILIES)], "given": ["Kari", self.rnd.choice(["Anne", "Bjørg"])]}],
            "gender": self.rnd.choice(["male", "female"]), "birthDate": f"{2026 - age}-01-0{1 + n % 9}",
            "identifier": [{"system": "urn:x", "value": str(n)}],
            "address": [{"line": [f"{street} {n}"], "city": f"By{n % 4}", "postalCode": f"590{n % 4}"}],
        }  # fmt: skip

    def first(self, who: Known, units: Sequence[Known]) -> list[Json]:
        """Contacts, a relative, content: what others name."""
        rnd, subject = self.rnd, {"reference": who.ref}
        contacts = [
            {
                "resourceType": "Encounter", "meta": self.meta(often=0.1), "status": rnd.choice(["finished", "in-progress"]),
                "class": {"system": ACT, "code": rnd.choice(["AMB", "HH"])}, "subject": subject,
                "period": {"start": rnd.choice(DAYS)}, "serviceProvider": {"reference": rnd.choice(units).ref},
            }
            for _ in range(2)
        ]  # fmt: skip
        relative = {
            "resourceType": "RelatedPerson", "meta": self.meta(often=0.1), "patient": subject,
            "name": [{"family": rnd.choice(FAMILIES)}], "relationship": [{"text": "søster"}],
        }  # fmt: skip
        content = {
            "resourceType": "Binary", "meta": {"tag": [self.mark()]}, "contentType": "text/plain",
            "securityContext": subject, "data": base64.b64encode(b"Innhold").decode(),
        }  # fmt: skip
        return [*contacts, relative, content]

    def second(self, who: Known, first: Sequence[Known], others: Sequence[Known], staff: Sequence[Known]) -> list[Json]:
        """Measurements and diagnoses within the contacts; some name another patient."""
        contacts = [row for row in first if row.rtype == "Encounter"]
        measured = [self._observation(who, contacts, staff) for _ in range(5)]
        return [*measured, *(self._condition(who, contacts, others) for _ in range(3)), self._medicine(who)]

    def _observation(self, who: Known, contacts: Sequence[Known], staff: Sequence[Known]) -> Json:
        rnd = self.rnd
        made: Json = {
            "resourceType": "Observation", "meta": self.meta(), "subject": {"reference": who.ref},
            "status": rnd.choice(["final", "final", "amended", "preliminary"]), "effectiveDateTime": rnd.choice(DAYS),
            "code": {"coding": [{"system": "http://loinc.org", "code": rnd.choice(LOINC)}], "text": rnd.choice(["Trykk", "Vekt"])},
            "performer": [{"reference": rnd.choice(staff).ref, "display": "Lege"}],
        }  # fmt: skip
        if rnd.random() < 0.7:
            made["encounter"] = {"reference": rnd.choice(contacts).ref}
        if rnd.random() < 0.8:
            made["valueQuantity"] = {"value": Decimal(rnd.choice(["5.4", "7", "70.5"])), "unit": "mmol/L"}
        if rnd.random() < 0.4:
            made["note"] = [{"text": rnd.choice(["hoste og feber", "vondt i hodet", "feber"])}]
        return made

    def _condition(self, who: Known, contacts: Sequence[Known], others: Sequence[Known]) -> Json:
        rnd = self.rnd
        made: Json = {
            "resourceType": "Condition", "meta": self.meta(often=0.2), "subject": {"reference": who.ref},
            "code": {"coding": [{"system": ICPC_SYSTEM, "code": rnd.choice(ICPC), "display": "Noe"}], "text": "Diagnose"},
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "onsetDateTime": rnd.choice(DAYS), "encounter": {"reference": rnd.choice(contacts).ref},
        }  # fmt: skip
        if rnd.random() < 0.3:
            made["asserter"] = {"reference": rnd.choice(others).ref}
        return made

    def _medicine(self, who: Known) -> Json:
        return {
            "resourceType": "MedicationStatement", "meta": self.meta(), "status": "active", "subject": {"reference": who.ref},
            "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "C09AA02"}]},
            "effectiveDateTime": self.rnd.choice(DAYS),
        }  # fmt: skip

    def third(self, who: Known, first: Sequence[Known], second: Sequence[Known]) -> list[Json]:
        """Notes, reports, letters and work that name what was written before."""
        rnd, subject = self.rnd, {"reference": who.ref}
        seen = [row for row in second if row.rtype == "Observation"]
        (content,) = [row for row in first if row.rtype == "Binary"]
        contact = next(row for row in first if row.rtype == "Encounter")
        note: Json = {
            "resourceType": "Composition", "meta": self.meta(), "status": rnd.choice(["final", "final", "preliminary"]),
            "type": {"text": "Notat"}, "subject": subject, "encounter": {"reference": contact.ref}, "date": rnd.choice(DAYS),
            "author": [{"display": "Lege"}], "title": rnd.choice(["Notat", "Epikrise"]),
            "section": [{"entry": [{"reference": rnd.choice(second).ref}]}],
        }  # fmt: skip
        report: Json = {
            "resourceType": "DiagnosticReport", "meta": self.meta(), "status": "final", "subject": subject,
            "code": {"coding": [{"system": "http://loinc.org", "code": rnd.choice(LOINC)}]}, "effectiveDateTime": rnd.choice(DAYS),
            "result": [{"reference": row.ref} for row in rnd.sample(seen, 2)],
        }  # fmt: skip
        letter: Json = {
            "resourceType": "DocumentReference", "meta": self.meta(often=0.1), "status": "current", "subject": subject,
            "date": f"{rnd.choice(DAYS)}T10:00:00Z", "content": [{"attachment": {"url": content.ref}}],
        }  # fmt: skip
        if rnd.random() < 0.4:
            letter["securityLabel"] = [{"coding": [{"system": CODES_9603, "code": rnd.choice(["NORU", "NORN_FFL", "NORS"])}]}]
        members: Json = {
            "resourceType": "List", "meta": self.meta(often=0.1), "status": "current", "mode": "working", "subject": subject,
            "entry": [{"item": {"reference": row.ref}} for row in rnd.sample(list(second), 3)],
        }  # fmt: skip
        return [note, dict(note, meta=self.meta(), title="Annet"), report, letter, members, self.task(who, rnd.choice(second))]

    def task(self, who: Known | None, focus: Known | None) -> Json:
        """Work for somebody, or the unit's own."""
        made: Json = {
            "resourceType": "Task", "meta": self.meta(often=0.1), "status": "requested", "intent": "order",
            "authoredOn": self.rnd.choice(DAYS), "description": "Følg opp",
        }  # fmt: skip
        named = {"for": who, "focus": focus}
        return made | {key: {"reference": row.ref} for key, row in named.items() if row is not None}

    def later(self, who: Known, named: Known) -> Json:
        """A note that comes after the blocks and names something older."""
        return {
            "resourceType": "Composition", "meta": self.meta(often=0.1), "status": "final", "type": {"text": "Notat"},
            "subject": {"reference": who.ref}, "date": self.rnd.choice(DAYS), "author": [{"display": "Lege"}], "title": "Senere",
            "section": [{"entry": [{"reference": named.ref}]}],
        }  # fmt: skip
