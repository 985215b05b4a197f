# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""The oracle's world: four units in two municipalities, two dozen people, and every kind of hiding, planted through its own door."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.record.rows import Wanted, gather
from tests.law.oracle.content import Json, Writer
from tests.law.oracle.facts import Against, Facts, Need, Part, Reader
from tests.law.oracle.rules import Book, Law
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, WRITE, Known, World

UNIT_C, UNIT_D = 30, 40
"""Another municipality's practice; a team for mental health, all of whose rows are sensitive."""
UNITS: Final = {UNIT_A: "gp", UNIT_B: "legevakt", UNIT_C: "gp", UNIT_D: "mental_health", LOADER_UNIT: "gp"}
LASTS_S: Final = 20 * 3600
AGES: Final = (50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 40, 41, 70, 71, 8, 13, 17, 30)
OWN, STRICT, SHELTERED = 0, 5, 6
MOTHER, FATHER, WARD, SMALL, YOUNG, NEARLY = 16, 17, 19, 20, 21, 22
REASON: Final = "Trenger å vite det nå, av hensyn til pasienten"
RESULTS: Final = frozenset({"Observation", "DiagnosticReport"})
_RELATE: Final = "SELECT access.put_relation($1, $2, $3, $4, NULL, $5, $6, 0)"


class OracleWorld(World):
    """A world with its facts, its law and its readers."""

    def __init__(self, *made: Any) -> None:
        super().__init__(*made)
        self.rnd = random.Random(4)
        self.writer = Writer(self.rnd)
        self.facts = Facts()
        self.versions: dict[int, list[Json]] = {}
        self.gone: set[int] = set()
        self.readers: list[Reader] = []
        self.patients: list[Known] = []
        self.humans: dict[int, int] = {}
        """The person behind each patient, by their place."""

    @property
    def standing(self) -> list[Known]:
        """Every row that is not deleted."""
        return [row for row in self.known if row.pid not in self.gone]

    def past(self, row: Known) -> list[Json]:
        """Every version of a row, oldest first; a deletion is of the class of what was deleted."""
        return self.versions[row.pid] + [row.resource] * (row.pid in self.gone)

    async def write(self, resources: Sequence[Json], *, org: int = UNIT_A) -> list[Known]:
        """As World; the first version is remembered."""
        made = await super().write([self.writer.spoken(resource) for resource in resources], org=org)
        for row in made:
            self.versions[row.pid] = [row.resource]
        return made

    async def change(self, row: Known, resource: Json | None) -> None:
        """A new version, or (None) the row's deletion."""
        wanted = Wanted("D" if resource is None else "U", row.rtype, row.slot, row.pid, row.org, resource, expect=-1)
        columns = gather([wanted], hash64=self.hash64)
        answer = await self.web.fetch(WRITE, self.secrets["loader"], *columns.arguments())
        assert answer[0]["status"] in (200, 204), answer[0]["status"]
        if resource is None:
            self.gone.add(row.pid)
            return
        self.versions[row.pid].append(resource)
        row.resource, row.rows, row.updated = resource, columns.index, answer[0]["updated"]
        row.date, row.others = columns.date[0] or row.updated, tuple(columns.other_patient)

    async def fill(self) -> None:
        """Everything, in the order in which it happens."""
        for unit, kind in UNITS.items():
            await self.admin.execute("SELECT identity.put_unit($1, $2, $3, $1, 'Testvik')", unit, f"Enhet {unit}", kind)
        await self._people()
        await self._needs()
        await self._staff()
        await self._citizens()
        self.law = await self._law()
        await self._contents()
        await self._blocks()
        await self._choices()
        await self._changes()
        # Anew, since what a law has once worked out it keeps.
        self.law = await self._law()
        self.law.known = self.known
        self._shield()
        await self.admin.execute("ANALYZE")

    # ── People and rows ──────────────────────────────────────────────────────────────────────────

    async def _people(self) -> None:
        self.organizations = await self.write([self._directory("Organization", name=f"Enhet {unit}") for unit in UNITS])
        names = [{"family": family} for family in ("Lie", "Nordli", "Sæther")]
        self.practitioners = await self.write(
            [self._directory("Practitioner", name=[name], active=n > 0) for n, name in enumerate(names)]
        )
        protection = {STRICT: "strengtFortrolig", SHELTERED: "fortrolig"}
        bodies = [self.writer.person(n, age=age, protection=protection.get(n, "")) for n, age in enumerate(AGES)]
        self.patients = await self.write(bodies, org=LOADER_UNIT)
        self.facts.born = {row.pid: age for row, age in zip(self.patients, AGES, strict=True)}
        self.facts.strict = {self.patients[STRICT].pid}
        self.facts.sheltered = {self.patients[n].pid for n in protection}

    def _directory(self, rtype: str, **more: Any) -> Json:
        return {"resourceType": rtype, "meta": {"tag": [self.writer.mark()]}, **more}

    async def _contents(self) -> None:
        for n, who in enumerate(self.patients):
            units = [self.rnd.choice((UNIT_A, UNIT_A, UNIT_B, UNIT_C, UNIT_D)) for _ in range(3)]
            others = [self.patients[(n + step) % len(self.patients)] for step in (1, 2, 7)]
            first = await self.write(self.writer.first(who, self.organizations), org=units[0])
            second = await self.write(self.writer.second(who, first, others, self.practitioners), org=units[1])
            await self.write(self.writer.third(who, first, second), org=units[2])
        for unit in (UNIT_A, UNIT_B, UNIT_C):
            await self.write([self.writer.task(None, None) for _ in range(2)], org=unit)

    async def _changes(self) -> None:
        """After the blocks: notes that name what is covered, new versions, labels that come and go, deletions."""
        for who in self.patients:
            rows = [row for row in self.known if row.patient == who.pid != row.pid and row.rtype in RESULTS]
            await self.write([self.writer.later(who, self.rnd.choice(rows))], org=self.rnd.choice((UNIT_A, UNIT_B)))
            first, second, last = self.rnd.sample(rows, 3)
            await self.change(first, self._anew(first, self.writer.meta()))
            await self.change(second, self._anew(second, self.writer.meta(often=0)))
            await self.change(last, None)

    def _anew(self, row: Known, meta: Json) -> Json:
        """A version with other labels and a mark of its own."""
        old, new = (found["tag"][0]["code"] for found in (row.resource["meta"], meta))
        made: Json = fhir.parse(fhir.encode(row.resource).replace(old.encode(), new.encode()))
        return made | {"meta": meta}

    def _shield(self) -> None:
        """What of a protected person no search and no history has: their address."""
        for row in self.patients:
            if row.pid in self.facts.sheltered:
                row.resource = {key: value for key, value in row.resource.items() if key != "address"}
                wanted = Wanted("C", row.rtype, row.slot, row.pid, row.org, row.resource)
                row.rows = gather([wanted], hash64=self.hash64).index

    # ── Readers ──────────────────────────────────────────────────────────────────────────────────

    async def _staff(self) -> None:
        roles = ("lege", "lege", "sykepleier", "helsesekretaer", "lege", "sykepleier", "helsefagarbeider", "helsesykepleier", "assistent")
        for unit in (UNIT_A, UNIT_B, UNIT_C, UNIT_D):
            for n, role in enumerate(roles):
                own = self.patients[OWN] if (unit, n) == (UNIT_A, 1) else None
                await self._worker(f"{role} {n} i {unit}", unit, role, own)
        secret = self.secrets["loader"]
        person = await self.admin.fetchval("SELECT id FROM identity.person WHERE name = 'loader'")
        self.readers.append(Reader("laster", "system", secret, person, LOADER_UNIT, "gp", "system"))

    async def _worker(self, name: str, unit: int, role: str, own: Known | None) -> None:
        slot, pid = (own.slot, own.pid) if own else (None, None)
        person = await self.admin.fetchval(
            "SELECT identity.put_person('human', $1, $2, NULL, $3, $4, NULL)", os.urandom(16), name, pid, slot
        )
        if own is not None:
            self.humans[OWN] = person
        post = await self.admin.fetchval(
            "SELECT identity.put_post($1, $2, $3, NULL, NULL, NULL, '-infinity', 'infinity')", person, unit, role
        )
        secret = os.urandom(32)
        await self.admin.fetchval(
            "SELECT identity.start_staff($1, $2, $3, 4::smallint, $4, $4, '')", sha256(secret).digest(), person, post, LASTS_S
        )
        self.readers.append(Reader(name, "staff", secret, person, unit, UNITS[unit], role, pid or 0))

    async def _citizens(self) -> None:
        for n, who in enumerate(self.patients):
            if n not in self.humans:
                self.humans[n] = await self.admin.fetchval(
                    "SELECT identity.put_person('human', $1, $2, NULL, $3, $4, NULL)", os.urandom(16), f"Innbygger {n}", who.pid, who.slot
                )
            secret = await self._citizen(n)
            self.readers.append(Reader(f"innbygger {n}", "citizen", secret, self.humans[n], own=who.pid, patient=who.pid))
        await self._families()

    async def _citizen(self, n: int) -> bytes:
        secret = os.urandom(32)
        await self.admin.fetchval(
            "SELECT identity.start_citizen($1, $2, 4::smallint, $3, $3, '')", sha256(secret).digest(), self.humans[n], LASTS_S
        )
        return secret

    async def _families(self) -> None:
        hashes = {n: await self.admin.fetchval("SELECT number_hash FROM identity.person WHERE id = $1", human)
                  for n, human in self.humans.items()}  # fmt: skip
        for child in (SMALL, YOUNG, NEARLY):
            for parent in (MOTHER, FATHER, SHELTERED):
                await self.admin.execute(
                    "SELECT access.put_parenthood($1, $2, 'mor', true, true, 'test')", self.patients[child].pid, hashes[parent]
                )
                self.facts.parents.add((self.patients[child].pid, self.humans[parent]))
        ward = self.patients[WARD].pid
        await self.admin.execute("SELECT access.put_guardianship($1, $2, 'BEGGE', false, NULL, 'test')", ward, hashes[18])
        self.facts.guardians.add((ward, self.humans[18]))
        for giver, receiver in ((10, 11), (12, 13), (SHELTERED, 13)):
            await self.admin.execute(
                "SELECT access.put_proxy($1, $2, '{}', true, clock_timestamp() + interval '1 year', 'test')",
                self.patients[giver].pid, hashes[receiver],
            )  # fmt: skip
            self.facts.proxies[self.patients[giver].pid, self.humans[receiver]] = ()
        pairs = [(SMALL, MOTHER), (YOUNG, MOTHER), (YOUNG, FATHER), (SMALL, FATHER), (WARD, 18), (10, 11), (12, 13)]
        for patient, human in pairs:
            await self._acting(patient, human)
        for patient, human in ((NEARLY, MOTHER), (SMALL, SHELTERED), (SHELTERED, 13)):
            assert not await self._switched(patient, human), "nobody acts for one who is grown, or for a protected one"
        doctor = self.reader(f"lege 0 i {UNIT_A}")
        cut = "SELECT access.parent_cut_put($1, $2, $3, 'FARE', $4, false)"
        small, father = self.patients[SMALL].pid, self.humans[FATHER]
        assert await self.web.fetchval(cut, doctor.secret, small, father, REASON) == "ok"
        self.facts.cut.add((small, father))

    async def _acting(self, patient: int, human: int) -> None:
        secret = await self._switched(patient, human)
        assert secret is not None, (patient, human)
        own, who = self.patients[human].pid, self.patients[patient].pid
        name = f"innbygger {human} for {patient}"
        self.readers.append(Reader(name, "citizen", secret, self.humans[human], own=own, patient=who))

    async def _switched(self, patient: int, human: int) -> bytes | None:
        old, new = await self._citizen(human), os.urandom(32)
        begun = await self.admin.fetchval(
            "SELECT identity.switch_citizen($1, $2, $3, '')", old, sha256(new).digest(), self.patients[patient].pid
        )
        return new if begun else None

    def reader(self, name: str) -> Reader:
        """A reader by name."""
        return next(reader for reader in self.readers if reader.name == name)

    # ── What opens and what hides ────────────────────────────────────────────────────────────────

    async def _needs(self) -> None:
        lists = {UNIT_A: [*range(12), SMALL, YOUNG, NEARLY, STRICT], UNIT_C: range(12, 18)}
        for unit, places in lists.items():
            await self._need(unit, "FASTLEGE", sorted(set(places)))
        await self._need(UNIT_B, "POLBESOK", (1, 2, 3, 4, 7, 9, 12, SMALL, YOUNG))
        await self._need(UNIT_C, "POLBESOK", (8,))
        await self._need(UNIT_D, "KONSSERIE", (3, 8, 14, 19))
        await self._need(UNIT_A, "POLBESOK", (18,), is_live=False)

    async def _need(self, unit: int, ground: str, places: Sequence[int], *, person: int | None = None, is_live: bool = True) -> None:
        pids = [self.patients[n].pid for n in places]
        bounds = ("-infinity", "infinity") if is_live else ("2020-01-01", "2021-01-01")
        query = _RELATE.replace("$5", f"'{bounds[0]}'").replace("$6", f"'{bounds[1]}'")
        await self.admin.execute(query, pids, unit, person, ground)
        self.facts.needs += [Need(pid, unit, ground, person, is_live) for pid in pids]

    async def _law(self) -> Law:
        grounds = await self.admin.fetch("SELECT code, roles, kind FROM access.ground WHERE valid_until > current_date")
        book = Book({row["code"]: frozenset(row["roles"]) for row in grounds}, {row["code"]: row["kind"] for row in grounds})
        return Law(self.facts, book, UNITS, self.versions)

    async def _blocks(self) -> None:
        nurse = self.reader(f"sykepleier 2 i {UNIT_A}")
        await self.web.fetch("SELECT * FROM access.decide($1, $2, 'open', 0::smallint)", nurse.secret, self.patients[11].pid)
        await self._block(1, "all", Against(unit=UNIT_B))
        await self._block(2, "all", Against())
        await self._block(11, "all", Against(person=nurse.person))
        await self._block(3, "all", Against(service="mental_health"))
        await self._block(3, "category", Against(), code="results")
        await self._block(3, "category", Against(service="legevakt"), code="notes")
        await self._block(4, "document", Against(), row=self._one(4, "Observation", "Composition"))
        await self._block(7, "document", Against(unit=UNIT_B), row=self._one(7, "Observation"))
        await self._block(8, "origin", Against(), unit=UNIT_A)
        await self._block(9, "service", Against(unit=UNIT_A), code="legevakt")
        await self._block(10, "category", Against(unit=UNIT_A), code="diagnoses")
        await self._block(YOUNG, "document", Against(), row=self._one(YOUNG, "Condition"))

    def _one(self, n: int, *types: str) -> Known:
        pid = self.patients[n].pid
        return next(
            row for row in self.known if row.patient == pid and row.rtype in types
            and not row.others and self.law.labels(row.resource) <= {"not-parents"}
        )  # fmt: skip

    async def _block(self, n: int, scope: str, against: Against, *, row: Known | None = None, code: str | None = None,
                     unit: int | None = None) -> None:  # fmt: skip
        secret, patient = self.reader(f"innbygger {n}").secret, self.patients[n].pid
        slot, pid = (row.slot, row.pid) if row else (None, unit)
        answer = await self.web.fetchrow(
            "SELECT verdict FROM vault.make_block($1, $2, $3, $4, $5, $6, $7, $8, $9)", secret, patient, scope, slot, pid, code,
            against.unit, against.person, against.service,
        )  # fmt: skip
        assert answer["verdict"] == "ok", (n, scope, answer["verdict"])
        if scope == "all":
            self.facts.whole.append((patient, against))
            return
        types = {"results": RESULTS | {"ImagingStudy", "Media", "MolecularSequence"}, "notes": frozenset({"Composition", "ClinicalImpression"}),
                 "diagnoses": frozenset({"Condition"})}.get(code or "", frozenset())  # fmt: skip
        units = frozenset({unit} if unit else {one for one, kind in UNITS.items() if scope == "service" and kind == code})
        self.facts.parts.append(Part(patient, against, row.pid if row else None, types, units))

    async def _choices(self) -> None:
        first, second = (self.reader(f"lege {n} i {UNIT_B}") for n in (0, 1))
        await self._choose(first, 1, "OVERSTYR")
        await self._choose(first, 4, "OVERSTYR")
        await self._choose(second, 13, "BLAALYS")
        await self._choose(second, STRICT, "BLAALYS")
        await self._choose(self.reader(f"lege 0 i {UNIT_A}"), 2, "OVERSTYR")
        await self._choose(self.reader(f"lege 0 i {UNIT_D}"), 15, "BLAALYS")
        await self._choose(self.reader(f"sykepleier 2 i {UNIT_C}"), 4, "ETTERARB")
        nurse, young = self.reader(f"sykepleier 2 i {UNIT_B}"), self.patients[7].pid
        assert await self.web.fetchval("SELECT access.open_sensitive($1, $2, $3)", nurse.secret, young, REASON) == "ok"
        self.facts.opened.add((young, nurse.secret))
        doctor, strict = self.reader(f"lege 0 i {UNIT_A}"), self.patients[STRICT].pid
        await self.admin.execute("INSERT INTO access.named_personnel (patient, person) VALUES ($1, $2)", strict, doctor.person)
        self.facts.named.add((strict, doctor.person))

    async def _choose(self, reader: Reader, n: int, ground: str) -> None:
        patient = self.patients[n].pid
        await self.admin.execute(
            "INSERT INTO access.identified (session, patient) SELECT id, $2 FROM identity.session WHERE secret_hash = sha256($1)"
            " ON CONFLICT DO NOTHING", reader.secret, patient,
        )  # fmt: skip
        answer = await self.web.fetchrow("SELECT * FROM access.choose($1, $2, $3, $4, NULL)", reader.secret, patient, ground, REASON)
        assert answer["status"] == "ok", (reader.name, n, ground, answer["status"])
        self.facts.needs.append(Need(patient, reader.unit, ground, reader.person))
