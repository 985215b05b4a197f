"""Representation in the access matrix: who may act for whom at which age, as the running database decides it."""
# ruff: noqa: E501 - sentences for people

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from fellesjournal.fhir.row_class import RowClass

CHILD, PARENT, OTHER = 3000, 3001, 3002
_PATIENT_TYPE = 103


@dataclass(frozen=True)
class Case:
    """Facts about one who wishes to act for another of this age (in years; days more or less beside it)."""

    words: str
    source: str
    age: tuple[int, int] = (8, 40)
    parent: dict[str, Any] | None = None
    """What Folkeregisteret tells of the one who asks; None: nothing."""
    other_parent: dict[str, Any] | None = None
    sql: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)


_LIVES, _APART = {"responsibility": True, "address": True}, {"responsibility": True, "address": False}
_CUT = "INSERT INTO access.parent_cut (child, parent, ground, reason, person, unit, session) VALUES (3000, {me}, 'FARE', 'x', 1, 10, 1)"
_GUARDIAN = "INSERT INTO access.guardianship (ward, guardian, mandate, of_minor, until_at, source) VALUES (3000, {me}, '%s', %s, %s, 'x')"
_PROXY = "INSERT INTO access.proxy (giver, receiver, areas, may_act, from_at, until_at, source%s) VALUES (3000, {me}, '%s', %s, clock_timestamp() - interval '2 days', %s, 'x'%s)"
_LATER = "clock_timestamp() + interval '1 year'"
_PSBRL = "pasient- og brukerrettighetsloven"

CASES: tuple[Case, ...] = (
    Case("Forelder med foreldreansvar som bor med barnet, barnet er 8", f"barnelova § 30; {_PSBRL} § 4-4", parent=_LIVES),
    Case("Den samme, barnet er 12 i dag", f"{_PSBRL} § 3-4 andre ledd", age=(12, 0), parent=_LIVES),
    Case("Den samme, barnet er 15 og fyller 16 i morgen", f"{_PSBRL} §§ 3-4 og 4-3", age=(16, -1), parent=_LIVES),
    Case("Den samme, barnet er 16 i dag", f"{_PSBRL} § 4-3: helserettslig myndig", age=(16, 0), parent=_LIVES),
    Case("Den samme, barnet er 17", f"{_PSBRL} §§ 3-4 og 4-3: det personellet forteller, er en utlevering som logges", age=(17, 3), parent=_LIVES),
    Case("Delt foreldreansvar, barnet bor hos den andre", "helsenorge.no: det holder at én av dem bor med barnet", parent=_APART, other_parent=_LIVES),
    Case("Foreldreansvar, men ingen av dem bor med barnet", "helsenorge.no", parent=_APART, other_parent=_APART),
    Case("Bor med barnet, men har ikke foreldreansvar", "barnelova § 30", parent={"responsibility": False, "address": True}, other_parent=_LIVES),
    Case("Foreldreansvar, men personellet har stengt for denne forelderen", f"{_PSBRL} §§ 3-4 tredje ledd og 5-1 andre ledd", parent=_LIVES, sql=(_CUT,)),
    Case("Foreldreansvaret er avsluttet", "barnelova § 34", parent=_LIVES, sql=("UPDATE access.parenthood SET until_at = clock_timestamp() - interval '1 day'",)),
    Case("Forelder, barnet har strengt fortrolig adresse", "helsenorge.no; folkeregisterloven § 10-4", parent=_LIVES, codes=("strengtFortrolig",)),
    Case("Forelder, barnet er dødt", f"{_PSBRL} § 5-1 femte ledd: innsyn gis etter vurdering, ikke av seg selv", parent=_LIVES, more={"deceasedBoolean": True}),
    Case("Verge for personlige forhold, personen er 51", "vergemålsloven §§ 21 og 32", age=(51, 0), sql=(_GUARDIAN % ("PERSONLIG", "false", "'infinity'"),)),
    Case("Verge bare for økonomi", "vergemålsloven § 32", age=(51, 0), sql=(_GUARDIAN % ("OKONOMI", "false", "'infinity'"),)),
    Case("Vergemålet er avsluttet", "vergemålsloven § 29", age=(51, 0), sql=(_GUARDIAN % ("PERSONLIG", "false", "clock_timestamp()"),)),
    Case("Verge i foreldrenes sted, barnet er 13", f"vergemålsloven § 17; {_PSBRL} § 3-4", age=(13, 5), sql=(_GUARDIAN % ("PERSONLIG", "true", "'infinity'"),)),
    Case("Fullmakt til å lese og handle", f"{_PSBRL} § 5-1", age=(82, 0), sql=(_PROXY % ("", "{}", "true", _LATER, ""),)),
    Case("Fullmakt til å lese legemidler", f"{_PSBRL} § 5-1", age=(82, 0), sql=(_PROXY % ("", "{LEGEMIDLER}", "false", _LATER, ""),)),
    Case("Fullmakten er tatt tilbake", f"{_PSBRL} § 5-1", age=(82, 0), sql=(_PROXY % (", revoked_at", "{}", "true", _LATER, ", clock_timestamp()"),)),
    Case("Fullmakten er utløpt", f"{_PSBRL} § 5-1", age=(82, 0), sql=(_PROXY % ("", "{}", "true", "clock_timestamp() - interval '1 day'", ""),)),
    Case("Fullmakt fra en som er 15", f"{_PSBRL} § 4-3", age=(15, 0), sql=(_PROXY % ("", "{}", "true", _LATER, ""),)),
    Case("Valgt som nærmeste pårørende", f"{_PSBRL} § 1-3 b: gir ikke innsyn i seg selv", age=(40, 0),
         sql=("INSERT INTO access.chosen_kin (patient, name, relation, session) VALUES (3000, 'x', '', 1)",)),
)  # fmt: skip


_WHAT = {"ITEM": "Holde en opplysning tilbake for foreldre", "PARENT": "Stenge innsynet for en forelder",
         "TELL": "Fortelle foreldre noe om en som er 16 eller 17", "KIN": "Hva en valgt pårørende kan få vite"}  # fmt: skip
_STAFF = (
    "",
    "| Regel | Kilde | Prøve |",
    "|---|---|---|",
    f"| Det som holdes tilbake for foreldre, er borte for dem med alt som navngir det, også det andre enheter har skrevet og det som skrives siden: rader, versjoner, tall, loggen, varsler, sperrer og hvem som kan sperres | {_PSBRL} §§ 3-4 og 5-1 | `tests/clinical/representatives/test_pages.py`, `tests/law/test_leaks_behalf.py` |",
    f"| Den det gjelder, ser det selv, og ser i loggen at det ble holdt tilbake; ingen representant ser den linjen, heller ikke etterpå | {_PSBRL} § 5-1; pasientjournalloven § 18 | samme |",
    "| Bare personell som kan skrive i journalen, holder tilbake, stenger ute og åpner igjen, hver gang med begrunnelse; begrunnelsen er for personellet | pasientjournalloven § 22; helsepersonelloven § 39 | samme |",
    "| En forelder som stenges ute, er ute i samme øyeblikk, får vite at adgangen er slutt og ikke hvorfor, og går videre som seg selv | pasient- og brukerrettighetsloven § 5-1 andre ledd; barnelova § 47 | samme |",
    f"| Det foreldre til en på 16 eller 17 får vite, står i journalen, logges med sin egen grunn og vises den unge | {_PSBRL} § 3-4 fjerde ledd; helsepersonelloven § 40 | samme |",
    f"| Personellet ser hvem pasienten har valgt som pårørende, og hva hver kan få vite | {_PSBRL} §§ 1-3 b og 3-3 | samme |",
)


async def rows(connection: Any) -> list[str]:
    """A row of the page for each case, in order, and what staff may do and why. Everything is rolled back."""
    return [*await _cases(connection), "", *await _grounds(connection), *_STAFF]


async def _grounds(connection: Any) -> list[str]:
    """The dated configuration of what staff may do, and of next of kin."""
    found = await connection.fetch(
        "SELECT what, name_nb, from_age || '–' || (until_age - 1) || ' år' AS age, source FROM access.withhold_ground"
        " UNION ALL SELECT 'KIN', name_nb, 'alle', source FROM access.kin_share ORDER BY 1, 2"
    )
    head = ["| Hva | Grunn eller valg | Pasientens alder | Kilde |", "|---|---|---|---|"]
    return head + [f"| {_WHAT[row['what']]} | {row['name_nb']} | {row['age']} | {row['source']} |" for row in found]


async def _cases(connection: Any) -> list[str]:
    found = []
    for case in CASES:
        transaction = connection.transaction()
        await transaction.start()
        found.append(f"| {case.words} | {await _answer(connection, case)} | {case.source} |")
        await transaction.rollback()
    return found


async def _answer(connection: Any, case: Case) -> str:
    years, days = case.age
    born = await connection.fetchval(
        "SELECT ((clock_timestamp() AT TIME ZONE 'Europe/Oslo')::date - make_interval(years => $1) - make_interval(days => $2))::date",
        years, days,
    )  # fmt: skip
    me, other, _child = [await _person(connection, number) for number in (PARENT, OTHER, CHILD)]
    body: dict[str, Any] = {"resourceType": "Patient", "birthDate": str(born), **case.more}
    if case.codes:
        body["meta"] = {"security": [{"code": code} for code in case.codes]}
    await connection.execute(
        "INSERT INTO vault.resource (slot, pid, rtype, version, updated, patient, org, sens, date, body)"
        " VALUES (1, $1, $2, 1, now(), $1, 10, 0, now(), $3)", CHILD, _PATIENT_TYPE, json.dumps(body),
    )  # fmt: skip
    for hashed, told in ((b"3001", case.parent), (b"3002", case.other_parent)):
        if told:
            await connection.execute(
                "SELECT access.put_parenthood($1, $2, 'mor', $3, $4, 'x')", CHILD, hashed, told["responsibility"], told["address"],
            )  # fmt: skip
    for statement in case.sql:
        await connection.execute(statement.replace("{me}", str(me)))
    assert not await connection.fetchval("SELECT access.represents($1, $2)", other, PARENT)
    row = await connection.fetchrow("SELECT * FROM access.acting($1, $2)", me, CHILD)
    return "ingenting" if row is None else _said(row)


async def _person(connection: Any, number: int) -> int:
    made = await connection.fetchval(
        "SELECT identity.put_person('human', $1, 'Test', NULL, $2, 1::smallint, NULL)", str(number).encode(), number
    )
    return int(made)


def _said(row: Any) -> str:
    closed = RowClass(row["closed"])
    less = " Ikke psykiatri, rus, seksuell helse og barnevern." if RowClass.SEXUAL_HEALTH in closed else ""
    held = "foreldre" if RowClass.NOT_PARENTS in closed else "representanter"
    part = "det fullmakten gjelder" if row["areas"] else "journalen"
    return f"{'leser og handler' if row['may_act'] else 'leser'}: {part}, uten det som er holdt tilbake for {held}.{less}"
