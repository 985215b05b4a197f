"""The access matrix for a lawyer: role × relation × kind of row, as the running database decides it.

`python -m tests.law.matrix` writes `docs/law/matrix.md` anew; a test compares. Nothing here grants anything: a database
is made, every fact is told to it, every role asks, and the answers are printed.
"""
# ruff: noqa: E501 - sentences for people

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from fellesjournal.kit import db
from fellesjournal.kit.embedded import Embedded
from fellesjournal.kit.keys import open_or_create_keys
from fellesjournal.kit.migrate import migrate
from tests.law import representation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "law" / "matrix.md"

ROLES = {
    "lege": "Lege", "sykepleier": "Sykepleier", "helsesykepleier": "Helsesykepleier", "helsesekretaer": "Helsesekretær",
    "helsefagarbeider": "Helsefagarbeider", "assistent": "Assistent",
    "reviewer": "Innsynsansvarlig", "brukerstotte": "Brukerstøtte", "ukjent": "Rolle uten rettigheter",
}  # fmt: skip
RELATIONS = {
    "ingen": ("Ingen registrert grunn", ()),
    "FASTLEGE": ("Står på fastlegens liste", (("FASTLEGE", "unit", "now"),)),
    "POLBESOK": ("Pågående eller nylig kontakt (inntil 72 timer)", (("POLBESOK", "unit", "now"),)),
    "PLANOPP": ("Har avtalt time", (("PLANOPP", "unit", "now"),)),
    "BELEGG": ("Opphold eller vedtak om tjenester", (("BELEGG", "unit", "now"),)),
    "ARBFLYT": ("Oppgave eller melding til enheten", (("ARBFLYT", "unit", "now"),)),
    "SVAR": ("Prøvesvar som skal signeres", (("SVAR", "unit", "now"),)),
    "LVANROP": ("Samtale med legevakten (inntil 72 timer)", (("LVANROP", "unit", "now"),)),
    "PLANKONT": ("Venter på planlagt kontakt", (("PLANKONT", "unit", "now"),)),
    "KONSSERIE": ("Pågående rekke av kontakter", (("KONSSERIE", "unit", "now"),)),
    "HENVISNING": ("Henvist til enheten, ikke vurdert ennå", (("HENVISNING", "unit", "now"),)),
    "VURDHENV": ("Henvisningen er vurdert", (("VURDHENV", "unit", "now"),)),
    "BEHANDLER": ("Leseren har behandlingsansvar", (("BEHANDLER", "self", "now"),)),
    "PRIMKONT": ("Leseren er primærkontakt", (("PRIMKONT", "self", "now"),)),
    "JOURANSV": ("Leseren er journalansvarlig", (("JOURANSV", "self", "now"),)),
    "INFOANSV": ("Leseren er informasjonsansvarlig", (("INFOANSV", "self", "now"),)),
    "PASANSV": ("Leseren er koordinator", (("PASANSV", "self", "now"),)),
    "ROLPAS": ("Leseren har en rolle overfor pasienten", (("ROLPAS", "self", "now"),)),
    "DELBEHAN": ("Har valgt: deltar i behandlingen", (("DELBEHAN", "self", "now"),)),
    "PASADM": ("Har valgt: administrative oppgaver", (("PASADM", "self", "now"),)),
    "KVAL": ("Har valgt: internkontroll (navngitte personer)", (("KVAL", "self", "now"),)),
    "EGENLAER": ("Har valgt: egen læring (navngitte, pasienten kan si nei)", (("EGENLAER", "self", "now"),)),
    "INNSYN": ("Har valgt: pasienten ber om innsyn", (("INNSYN", "self", "now"),)),
    "SELVAUT": ("Selvautorisert fordi regelen mangler", (("SELVAUT", "self", "now"),)),
    "BLAALYS": ("Blålys (inntil 60 minutter)", (("BLAALYS", "self", "now"),)),
    "SUPPORT": ("Brukerstøtte, én sak og én pasient", (("SUPPORT", "self", "now"),)),
    "overstyrt": ("På listen, sperret for alle, og overstyrt av tungtveiende grunner", (("FASTLEGE", "unit", "now"), ("sperre", "all", "now"), ("OVERSTYR", "self", "now"))),
    "blålys og vakt": ("Ikke på vakt der bare de på vakt har tilgang, men blålys (uten lister)", (("BLAALYS", "self", "now"), ("vakt", "unit", "now"))),
    "bare en kollega": ("Grunnen gjelder en navngitt kollega, ikke leseren", (("POLBESOK", "other", "now"),)),
    "annen enhet": ("Grunnen gjelder en annen enhet", (("FASTLEGE", "elsewhere", "now"),)),
    "utløpt": ("Grunnen er utløpt", (("FASTLEGE", "unit", "past"),)),
    "ikke begynt": ("Grunnen har ikke begynt å gjelde", (("PLANOPP", "unit", "future"),)),
    "sperret enhet": ("På listen, men pasienten har sperret for enheten", (("FASTLEGE", "unit", "now"), ("sperre", "unit", "now"))),
    "sperret alle": ("På listen, men pasienten har sperret for alle", (("FASTLEGE", "unit", "now"), ("sperre", "all", "now"))),
    "bare overstyrt": ("Sperring overstyrt, uten annen grunn", (("sperre", "all", "now"), ("OVERSTYR", "self", "now"))),
    "blålys og sperret": ("Blålys, men pasienten har sperret for alle", (("BLAALYS", "self", "now"), ("sperre", "all", "now"))),
    "ikke på vakt": ("På listen, men ikke på vakt der bare de på vakt har tilgang", (("FASTLEGE", "unit", "now"), ("vakt", "unit", "now"))),
    "annen app": ("På listen, men leseren bruker en app som er åpnet på en annen", (("FASTLEGE", "unit", "now"), ("app", "unit", "now"))),
    "nær familie": ("På listen, men pasienten er leserens nære familie", (("FASTLEGE", "unit", "now"), ("familie", "self", "now"))),
    "nær familie, med grunn": ("På listen, nær familie, og leseren har skrevet hvorfor", (("FASTLEGE", "unit", "now"), ("familie", "self", "now"), ("FAMILIE", "self", "now"))),
    "nær familie, blålys": ("Nær familie, med blålys", (("BLAALYS", "self", "now"), ("familie", "self", "now"))),
    "bare familiegrunn": ("Nær familie og skriftlig grunn, uten annen grunn", (("familie", "self", "now"), ("FAMILIE", "self", "now"))),
    "strengt skjermet": ("På listen, men strengt fortrolig adresse, og leseren er ikke navngitt", (("FASTLEGE", "unit", "now"), ("strengt", "unit", "now"))),
    "navngitt": ("På listen, strengt fortrolig adresse, og leseren er navngitt", (("FASTLEGE", "unit", "now"), ("strengt", "unit", "now"), ("navngitt", "unit", "now"))),
    "egen": ("På listen, men det er leserens egen journal", (("FASTLEGE", "unit", "now"), ("egen", "unit", "now"))),
}  # fmt: skip
_SPANS = {
    "now": "clock_timestamp() - interval '1 hour', 'infinity'",
    "past": "clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 day'",
    "future": "clock_timestamp() + interval '1 day', 'infinity'",
}
_UNIT, _ELSEWHERE, _PATIENT = 10, 20, 1000


@dataclass(frozen=True)
class Answer:
    """What one role gets on one relation."""

    may_read: bool
    may_write: bool
    is_listed: bool
    ground: str

    def __str__(self) -> str:
        word = "skriver" if self.may_write else "leser" if self.may_read else "nektet"
        return word if self.is_listed == self.may_read else f"{word} (liste: {'ja' if self.is_listed else 'nei'})"


async def decide(connection: Any) -> dict[tuple[str, str], Answer]:
    """The answers of the database for every role and relation. Everything is rolled back."""
    answers = {}
    for role in ROLES:
        for relation, (_, facts) in RELATIONS.items():
            transaction = connection.transaction()
            await transaction.start()
            answers[role, relation] = await _ask(connection, role, facts)
            await transaction.rollback()
    return answers


async def _ask(connection: Any, role: str, facts: Any) -> Answer:
    for unit in (_UNIT, _ELSEWHERE):
        await connection.execute("SELECT identity.put_unit($1, 'Enhet', 'gp', $1, 'Testvik')", unit)
    person, other = [
        await connection.fetchval("SELECT identity.put_person('human', $1, 'Test', NULL, NULL, NULL, NULL)", name)
        for name in (b"reader", b"other")
    ]
    post = await connection.fetchval(
        "SELECT identity.put_post($1, 10, $2, NULL, NULL, NULL, '-infinity', 'infinity')", person, role
    )
    await connection.execute(
        "SELECT identity.start_staff(sha256('\\x01'), $1, $2, 4::smallint, 60, 60, '')", person, post
    )
    for ground, whose, span in facts:
        if ground == "sperre":
            await connection.execute(
                "INSERT INTO access.block (patient, unit) VALUES ($1, $2)", _PATIENT, _UNIT if whose == "unit" else None
            )
        elif ground == "app":
            await connection.execute("UPDATE identity.session SET patient = $1", _PATIENT + 1)
        elif ground == "strengt":
            await connection.execute(
                "INSERT INTO access.protected (patient, level, set_by, changed_in) VALUES ($1, 'strengt', 0, '1')", _PATIENT
            )
        elif ground == "navngitt":
            await connection.execute("INSERT INTO access.named_personnel (patient, person) VALUES ($1, $2)", _PATIENT, person)
        elif ground == "familie":
            await connection.execute("INSERT INTO access.kin (person, patient, relation) VALUES ($2, $1, 'sibling')", _PATIENT, person)
            await connection.execute("UPDATE identity.person SET kin = ARRAY[$1::bigint] WHERE id = $2", _PATIENT, person)
        elif ground == "vakt":
            await connection.execute("SELECT access.set_duty_rule($1, true, '{}', 'test')", _UNIT)
        elif ground == "egen":
            await connection.execute("UPDATE identity.person SET patient = $1 WHERE id = $2", _PATIENT, person)
        else:
            unit = _ELSEWHERE if whose == "elsewhere" else _UNIT
            await connection.execute(
                f"SELECT access.put_relation(ARRAY[$1::bigint], $2, $3, $4, NULL, {_SPANS[span]}, 0)", _PATIENT, unit,
                {"other": other, "self": person}.get(whose), ground,
            )  # fmt: skip
    read = await connection.fetchrow(
        "SELECT allow, ground FROM access.judge('\\x01', ARRAY[$1::bigint], 'read')", _PATIENT
    )
    write = await connection.fetchval("SELECT allow FROM access.judge('\\x01', ARRAY[$1::bigint], 'write')", _PATIENT)
    may_list = await connection.fetchval("SELECT allow FROM access.lister('\\x01')")
    async with connection.transaction():
        await connection.execute(
            "SELECT ctx.seal_list(sha256('\\x01'), l.closed, l.unit, l.person, l.kept, l.is_staff, l.grounds)"
            " FROM access.lister('\\x01') l"
        )
        listed = await connection.fetchval("SELECT EXISTS (SELECT 1 FROM access.on_list WHERE patient = $1)", _PATIENT)
    return Answer(read["allow"], write, bool(may_list and listed), read["ground"] or "")


_KINDS = {
    "automatic": "automatisk", "chosen": "velges", "gap": "velges (regelen mangler)", "emergency": "blålys", "override": "overstyring", "relative": "svar på en advarsel",
    "support": "gis av administrator", "own": "egen", "system": "system", "identify": "oppslag", "review": "kontroll", "representation": "på vegne av",
}  # fmt: skip


async def grounds_of(connection: Any) -> list[tuple[str, ...]]:
    """The rows of `access.ground` as words: code, name, kind, who, how long, source."""
    rows = await connection.fetch("SELECT * FROM access.ground ORDER BY rank, code")
    return [
        (
            row["code"],
            row["name_nb"],
            _KINDS[row["kind"]] + (", navngitte" if row["is_named"] else "") + (", kan nektes" if row["can_object"] else ""),
            ", ".join(ROLES.get(role, role) for role in row["roles"]) + ("" if row["may_write"] else " (bare lese)"),
            f"høyst {row['max_min']} min" if row["max_min"] else f"{row['after_h']} t etter" if row["after_h"] else "så lenge det står",
            row["source"],
        )
        for row in rows
    ]


def page(answers: dict[tuple[str, str], Answer], grounds: list[tuple[str, ...]], representatives: list[str]) -> str:
    """The page, in Norwegian."""
    lines = [
        "# Hvem får se hvem – tilgangsmatrisen",
        "",
        "Denne siden er laget av `python -m tests.law.matrix`, som spør den samme databasen som journalen bruker, om hver rolle og hver",
        "grunn. En test feiler hvis svarene blir andre enn de som står her. «skriver» omfatter å lese. Alt er nektet til en regel",
        "under gir tilgang, og et nei går foran ethvert ja. Hver visning og hver nektelse står i loggen før svaret går ut.",
        "",
        "Kildene er utviklernes; siden gjelder ikke før en jurist har bekreftet dem.",
        "",
        "## Regler og kilder",
        "",
        "| Regel (`access/rules.sql`, `access/representation.sql`) | Hva den sier, og hvor det står |",
        "|---|---|",
        *(f"| `{name}` | {words} |" for name, words in _rules()),
        "",
        "## Rolle × grunn",
        "",
        "| Grunn | " + " | ".join(ROLES.values()) + " |",
        "|---|" + "---|" * len(ROLES),
        *(
            f"| {words} | " + " | ".join(str(answers[role, relation]) for role in ROLES) + " |"
            for relation, (words, _) in RELATIONS.items()
        ),
        "",
        "## Å handle på vegne av andre",
        "",
        "Den som handler for en annen, gjør det i en økt for seg, og den dør i samme øyeblikk som grunnen. Alderen regnes av fødselsdatoen ved",
        "hver beslutning, fra midnatt i Norge. Det usignerte og det som er utsatt eller holdt tilbake for innbyggeren, ser heller ingen representant.",
        "",
        "| Grunn | Hva den åpner | Kilde |",
        "|---|---|---|",
        *representatives,
        "",
        "## Grunnene",
        "",
        "Radene i `access.ground`. En ny grunn er en rad med kilde og dato; reglene over gjelder den uten ny kode.",
        "",
        "| Kode | Grunn | Slag | Hvem | Varer | Kilde |",
        "|---|---|---|---|---|---|",
        *(f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {row[4]} | {row[5]} |" for row in grounds),
        "",
        "## Hvilke opplysninger",
        "",
        "| Opplysning | Ansatt med grunn | Ansatt uten grunn | Innbyggeren selv | Kilde |",
        "|---|---|---|---|---|",
        *_ROWS,
        *_REVIEW,
        "",
        "Prøvd i `tests/access/test_grounds.py`, `tests/access/test_rows.py`, `tests/access/test_attacks.py` og `tests/law/test_every_door.py`.",
        "",
        "## Hvem som får gi tilgang, og hvem som er ansvarlig",
        "",
        "| Regel | Kilde | Prøve |",
        "|---|---|---|",
        *_GIVING,
        "",
    ]
    return "\n".join(lines)


_ROWS = (
    "| Signert opplysning om pasienten | ser | nektet, 404 som om den ikke fantes | ser | pasientjournalloven § 19; pasient- og brukerrettighetsloven § 5-1 |",
    "| Usignert, foreløpig eller tilbakeholdt (9603) | ser | nektet | ser ikke | pasient- og brukerrettighetsloven § 5-1 andre ledd |",
    "| Sperret av pasienten for alle: én opplysning, en kategori, en tjeneste eller det en enhet har skrevet (også merket NORS i 9603), med alt som røper det | ser ikke; ser antallet, uten hva, hvor fra eller for hvem | nektet | ser | pasient- og brukerrettighetsloven § 5-3; pasientjournalloven § 17; `tests/access/test_blocks.py` |",
    "| Det samme, sperret for en enhet, en tjeneste eller en person | de det er sperret for: som over; andre ser | nektet | ser | pasient- og brukerrettighetsloven § 5-3; pasientjournalloven § 17; `tests/access/test_blocks.py` |",
    "| Innholdet bak et dokuments vedlegg (Binary), hvilket av dem som ble skrevet først, i alle versjoner | som dokumentet | som dokumentet | som dokumentet | pasient- og brukerrettighetsloven §§ 3-4, 5-1 og 5-3; `tests/access/test_contents.py` |",
    "| En del som sperres mens noen har en strøm, en liste eller et dokument åpent | lukket med en gang, også der | uttrekk fra systemer har det ikke; et uttrekk laget før sperringen gis ikke ut | ser | pasientjournalloven § 17; `tests/law/test_open_when_blocked.py` |",
    "| Hva slags opplysninger en linje i innsynsloggen gjelder | ser hva som ble lest eller skrevet | nektet | ser | pasientjournalforskriften § 14; `tests/clinical/overview/test_routes.py` |",
    "| Hva slags opplysning en linje i innsynsloggen gjelder, når opplysningen er unntatt eller utsatt | ser | ser ikke | ser linjen (hvem, når, hvorfor), ikke slaget | pasientjournalforskriften § 14; pasient- og brukerrettighetsloven §§ 3-4 og 5-1; `tests/access/test_log_kinds.py` |",
    "| Sperringene selv | kan registrere én for pasienten; ser ikke dem som står | nektet | ser, lager og opphever | pasient- og brukerrettighetsloven § 5-3; `tests/citizen/test_blocks.py` |",
    "| Utsatt for innbyggeren (9603: NORU) | ser | nektet | ser når tiden er kommet (merket, eller 14 dager) | pasient- og brukerrettighetsloven § 5-1; `tests/access/test_blocks.py` |",
    "| Opplysning som også nevner en annen pasient | ser når grunn finnes for alle som nevnes | nektet | ser ikke | helsepersonelloven § 21 |",
    "| Tidligere versjon, slettet opplysning | ser versjonen hvis den selv ville vært synlig | nektet | ser versjonen hvis den selv ville vært synlig | helsepersonelloven § 42 |",
    "| Trukket tilbake som ledd i retting (9202: 83) | ser ikke i vanlig lesing; enheten som skrev det, ser det på siden for retting, logget | nektet | ser ikke | helsepersonelloven § 42; EPJ-standard del 2 |",
    "| Slettet av to personer | ser at noe er slettet, av hvem og på hvilket grunnlag; innholdet finnes ikke | nektet | ser det samme | helsepersonelloven § 43 |",
    "| Psykisk helse, rus, seksuell helse, barnevern, fengselshelse (`access.sensitive_code`, `access.sensitive_unit`) | ser når `access.sensitive_right` gir det for rolle × slags enhet × grunn, når egen enhet skrev det, eller etter eget valg med begrunnelse (60 minutter, i den økten alene, logges, kontrolleres) | nektet | ser | helsepersonelloven §§ 21, 25 og 45 [K]; `tests/access/test_sensitivity.py`, `tests/clinical/sensitivity/test_page.py` |",
    "| Nær familie av den ansatte (`access.kin`: foreldre, barn, søsken, ektefelle eller partner, samme adresse) | ser når grunn finnes og leseren har skrevet hvorfor det må være denne (8 timer, logges, kontrolleres); ellers advarsel ved hver dør, og ikke på lister; aldri endelig nei; i blålys uten ekstra grunn | nektet | ser | helsepersonelloven §§ 4 og 21 a [K]; `tests/clinical/grounds/test_family.py` |",
    "| Fortrolig adresse | ser når rollen har bedt om den med begrunnelse (15 minutter, logges), eller tjenesten trenger den i dag (`access.address_need`); bare ved oppslag på personen | skjult | ser egen | folkeregisterloven § 10-4 [K]; `tests/law/test_protected.py` |",
    "| Strengt fortrolig person, for ansatt uten grunn eller som ikke er navngitt | uten grunn: som om personen ikke fantes; med grunn: får vite at bare navngitt personell åpner; velger ingen grunn, bare blålys | som om personen ikke fantes | - | folkeregisterloven § 10-4 [K]; `tests/law/test_protected.py` |",
    "| Svar som er vist med eller uten skjermet adresse | sendes alltid på nytt, aldri 304 | nektet | det samme | folkeregisterloven § 10-4 [K]; `tests/law/test_protected.py` |",
    "| Strengt fortrolig adresse, kommune | skjult for alle | skjult | skjult | folkeregisterloven § 10-4 [K]; `tests/law/test_protected.py` |",
    "| Enheter som en strengt skjermet persons opplysninger nevner | ser i egen enhets opplysninger; ellers bare slags tjeneste | nektet | ser ikke | folkeregisterloven § 10-4 [K]; `tests/record/test_shield.py` |",
    "| Enhetens egne rader (uten pasient) | ser i egen enhet | ser i egen enhet | ser ikke | helsepersonelloven § 26 |",
    "| Katalog (enheter, ansatte, kodeverk) | ser | ser | ser | ingen taushetsbelagte opplysninger |",
    "| Identifisering (navn, fødselsdato, kjønn, nummer) | lege, sykepleier, helsesykepleier, helsesekretær; logges; høyst 60 på ti minutter | det samme | ikke | helsepersonelloven § 45 |",
)  # fmt: skip

_GIVING = (
    "| En henvisning eller en oppgave om den åpner journalen for enheten den er sendt til, fra den sendes til den er vurdert og 30 dager etter; trekkes den tilbake, 72 timer; er den en feil, slutter det straks | helsepersonelloven §§ 25 og 45; beslutningsmalene HENVISNING og VURDHENV | `tests/clinical/correspondence/test_referrals.py` |",
    "| Det noen har valgt i en økt, slutter med økten: når de logger ut, bytter rolle eller mister den; går den ut på tid, når de logger inn igjen, eller innen et minutt i en økt ved siden av | helsepersonelloven § 21 a; pasientjournalloven § 16 | `tests/access/test_grounds.py` |",
    "| En grunn velges, og blålys brukes, bare for den leseren vet om: nettopp identifisert i økten, eller en enheten har eller har hatt grunn for; for alle andre er svaret det samme, enten de finnes eller ikke | helsepersonelloven §§ 21 a og 45; pasientjournalloven § 16 | `tests/access/test_grounds.py`, `tests/clinical/grounds/test_ways_in.py` |",
    "| Der en enhet holder seg til vaktlisten, har bare de på vakt tilgang, og de andre blålys; listen legges inn hel eller ikke i det hele tatt | Normen 5.2; Akson SHS 5.3.2.2 | `tests/access/test_duty.py`, `tests/access/test_grounds.py` |",
    "| Brukerstøtte får lese én journal for én sak, gitt av en administrator eller en navngitt på serveren, aldri av en selv; det står i loggen, og er en oppgave til innsynsansvarlig | helsepersonelloven § 25 andre ledd; Akson SHS 5.3.2.11 | `tests/access/test_grounds.py`, `tests/cli/test_support.py` |",
    "| Ingen gir noe til seg selv: ikke på en side, i en fil eller ved et system de har laget nøkkel til | Normen 5.2; personvernforordningen art. 32 | `tests/identity/administration/test_wishes.py` |",
    "| En administrator rekker til egen virksomhet og enhetene under sin egen | Normen 5.2; pasientjournalloven § 22 | samme |",
    "| Rolle som krever autorisasjon, gis bare med HPR-nummer | helsepersonelloven § 48 | samme |",
    "| En stilling som slutter, slutter med økter, apper og nøkler i samme øyeblikk | Normen 5.2; pasientjournalloven § 16 | samme |",
    "| En rettighet endres av to administratorer, innenfor en lukket liste, for en tid | Normen 5.2 [K] | samme |",
    "| En rettighet som gjelder noen slags opplysninger, gjelder lesing, søk, lister og skriving likt | pasientjournalloven § 19; helsepersonelloven § 45 | `tests/access/test_limits.py` |",
    "| En app ser og gjør det omfanget gir av hver type, også om prosessen glemmer å spørre; databasen nekter resten | pasientjournalloven §§ 19 og 22; SMART App Launch 2.2 | `tests/access/test_app_types.py` |",
    "| En app som handler på egne vegne, varsles bare om det omfanget gir, og ikke lenger enn den er godkjent | pasientjournalloven §§ 19 og 22; SMART App Launch 2.2 | `tests/record/subscriptions/test_of_apps.py` |",
    "| Første administrator: to navngitte på serveren, og bare når virksomheten ingen har | Normen 5.2 [K] | `tests/identity/administration/test_wishes.py` |",
    "| Ingen gjør noen til administrator alene på serveren, heller ikke med kommandoene for personer og stillinger | Normen 5.2 [K] | samme |",
    "| Ansatt og pasient med samme nummer er én, hvem av dem som enn kommer først: egen journal er stengt for den ansatte; det sammenlignes nøklede kontrollsummer | helsepersonelloven § 21 a; personvernforordningen art. 5 nr. 1 c | `tests/onboarding/test_own_record.py`, `tests/identity/administration/test_own_record.py` |",
    "| Den som får en stilling, står i katalogen innen et minutt, så opplysninger og logg navngir den som skrev; den som slutter, står der som sluttet | helsepersonelloven § 40; pasientjournalforskriften § 6 [K] | `tests/onboarding/test_staff_directory.py` |",
    "| Hver endring står for alltid: hvem, hva, når; uten fødselsnummer | Normen 5.4.4; personvernforordningen art. 5 nr. 2 | samme |",
    "| Et system som legger inn ansatte, ser ingen journal og gjør ingen til administrator | helsepersonelloven § 21 | `tests/onboarding/test_scim.py` |",
    "| Hver rad har en dataansvarlig; felles, sentralt eller delt ansvar er innstilling med dato | pasientjournalloven §§ 8–9; personvernforordningen art. 26 [K] | `tests/access/test_limits.py`, `tests/identity/administration/test_file.py` |",
    "| Det en annen dataansvarligs ansatte får se, er utlevert: det står i loggen hos den det gjelder, med hvem det er utlevert fra, og er forseglet med raden; ikke innenfor et felles eller sentralt ansvar | pasientjournalloven §§ 8–9, 19 og 22; helsepersonelloven § 45; personvernforordningen art. 4 nr. 9 og art. 26 [K] | `tests/access/test_disclosure.py`, `tests/record/api/test_audit_event.py` |",
    "| Det én dataansvarlig svarer for, kan tas ut helt, og ingen andres: av et system med en navngitt persons tillatelse for denne ene gangen, med grunn; hver innbygger ser det i loggen | pasientjournalloven §§ 8 og 25; personvernforordningen art. 24 og 28 nr. 3 bokstav g [K] | `tests/onboarding/test_takeout.py` |",
)  # fmt: skip


_REVIEW = (
    "",
    "## Kontroll av innsyn",
    "",
    "| Regel | Kilde | Test |",
    "|---|---|---|",
    "| Hver bruk av unntak, hvert spørsmål fra en innbygger og hvert funn i loggen er en oppgave til den er vurdert; fristen følger slaget | helsepersonelloven § 21 a; personvernforordningen art. 12 nr. 3 [K] | `tests/access/test_review.py`: a_task_is_open_until_it_is_judged |",
    "| Bare innsynsansvarlige hos den dataansvarlige ser oppgaven | pasientjournalloven § 22; personvernforordningen art. 24 | a_task_asks_the_reviewers_of_its_controller_alone |",
    "| Ingen ser eller vurderer en oppgave om egen bruk eller egen journal | forvaltningsloven § 6 [K] | nobody_sees_or_judges_a_task_about_the_own_use |",
    "| Innsynsansvarlig åpner ingen journal; ser tider, antall, relasjoner og navnet på den saken gjelder, ikke navn ved strengt fortrolig adresse | pasientjournalloven § 16; folkeregisterloven § 10-4 [K] | `tests/clinical/review/test_pages.py`: the_reviewer_opens_no_record |",
    "| At en liste eller en oppgave er vist, og hver vurdering, står i loggen; vurderinger slettes ikke | pasientjournalloven § 22; Normen 5.4.4 | the_list_a_task_and_a_judgement_are_logged |",
    "| Innbyggeren får svaret, aldri merknad, vurdering eller leserens begrunnelse | pasientjournalforskriften § 14 | the_citizen_sees_the_answer_and_never_the_note |",
    "| Loggen leses hver natt etter lesing uten behov; vektene står i en tabell, et funn er ingen avgjørelse | helsepersonelloven § 21 a; pasientjournalloven § 16; personvernforordningen art. 22 | `tests/access/test_snooping.py` |",
    "| Hvem som vurderer for hvem, og hvem som er kjent for mange, settes av en administrator hos den dataansvarlige eller av driften; hver endring står på navn og tid | Normen 5.2 og 5.4.4; pasientjournalloven § 22 | `tests/identity/administration/test_oversight.py`: reviewers_judge_elsewhere_when_that_controller_lets_them |",
    "| Lederen for en enhet fører vaktlisten der, setter ikke seg selv på vakt, og hver endring står på navn og tid | Normen 5.2; Akson SHS 5.3.2.2 | `tests/onboarding/test_duty_page.py`: nobody_puts_themselves_on_duty_or_keeps_anothers_list |",
    "| Ingen gir seg selv mer å vurdere, og ingen setter seg selv på eller av listen over kjente personer | Normen 5.2 | nobody_makes_themselves_a_reviewer_of_more |",
    "| En avtale om vurdering kan ikke avsluttes så ingen er igjen til å vurdere | pasientjournalloven § 22 | reviewers_judge_elsewhere_when_that_controller_lets_them |",
    "| Listen over kjente personer sier ikke om noen har journal: den holder nøklede kontrollsummer av nummeret | personvernforordningen art. 5 nr. 1 c; helsepersonelloven § 21 | the_analysis_finds_a_well_known_person_who_gets_a_record_later |",
    "| Det som sammenlignes av adresse, navn og familie, holdes som nøklede kontrollsummer; ingen adresse for den som har adressesperre | personvernforordningen art. 5 nr. 1 c; folkeregisterloven § 10-4 [K] | the_night_learns_who_lives_where |",
)


def _rules() -> list[tuple[str, str]]:
    texts = [(files("fellesjournal.access") / name).read_text("utf-8") for name in ("rules.sql", "representation.sql")]
    found = re.findall(r"((?:^-- .*\n)+)CREATE OR REPLACE VIEW access\.(rule_\w+)", "\n".join(texts), re.MULTILINE)
    return [(name, " ".join(line.removeprefix("-- ") for line in words.splitlines())) for words, name in found]


async def _made() -> str:
    with tempfile.TemporaryDirectory(prefix="fj-law-") as folder:
        keys = open_or_create_keys(Path(folder))
        with Embedded(data_dir=Path(folder), keys=keys, shared_buffers_mb=32) as dsn:
            target = dsn.to("law")
            await migrate(target, keys, demo=True)
            connection = await db.connect(target)
            try:
                return page(await decide(connection), await grounds_of(connection), await representation.rows(connection))
            finally:
                await connection.close()


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(asyncio.run(_made()), "utf-8")
    sys.exit(0)
