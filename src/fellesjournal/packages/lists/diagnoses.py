"""ICD-10 and ICPC-2 as NAV publishes them: a JSON list of code and Norwegian text, without points in the codes.

The list says which codes may be used. The categories that they are parts of stand above them, with a text where the
list has one, and the chapters above these. Source: npm `@navikt/diagnosekoder` (MIT); https://fat.kote.helsedirektoratet.no.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from fellesjournal.packages.files import File
from fellesjournal.packages.lists.rows import Concept, by_code, code_system
from fellesjournal.packages.model import BadPackage

ICD_10: Final = "2.16.578.1.12.4.1.1.7110"
ICPC_2: Final = "2.16.578.1.12.4.1.1.7170"
_code = re.compile(r"[A-Z][0-9A-Za-z]{2,4}").fullmatch
_process_code = re.compile(r"-[3-6]\d").fullmatch
_CATEGORY: Final = 3
_ICD_10_ALONE: Final = frozenset("CEGIJMOQV")
"""Letters that no chapter of ICPC-2 has."""

_ICD_10_CHAPTERS: Final = (
    ("I", "A00", "B99", "Visse infeksjonssykdommer og parasittsykdommer"),
    ("II", "C00", "D48", "Svulster"),
    ("III", "D50", "D89", "Sykdommer i blod og bloddannende organer og visse tilstander som angår immunsystemet"),
    ("IV", "E00", "E90", "Endokrine sykdommer, ernæringssykdommer og metabolske forstyrrelser"),
    ("V", "F00", "F99", "Psykiske lidelser og atferdsforstyrrelser"),
    ("VI", "G00", "G99", "Sykdommer i nervesystemet"),
    ("VII", "H00", "H59", "Sykdommer i øyet og øyets omgivelser"),
    ("VIII", "H60", "H95", "Sykdommer i øre og ørebensknute"),
    ("IX", "I00", "I99", "Sykdommer i sirkulasjonssystemet"),
    ("X", "J00", "J99", "Sykdommer i åndedrettssystemet"),
    ("XI", "K00", "K93", "Sykdommer i fordøyelsessystemet"),
    ("XII", "L00", "L99", "Sykdommer i hud og underhud"),
    ("XIII", "M00", "M99", "Sykdommer i muskel-skjelettsystemet og bindevev"),
    ("XIV", "N00", "N99", "Sykdommer i urin- og kjønnsorganer"),
    ("XV", "O00", "O99", "Svangerskap, fødsel og barseltid"),
    ("XVI", "P00", "P96", "Visse tilstander som oppstår i perinatalperioden"),
    ("XVII", "Q00", "Q99", "Medfødte misdannelser, deformiteter og kromosomavvik"),
    ("XVIII", "R00", "R99", "Symptomer, tegn, unormale kliniske funn og laboratoriefunn"),
    ("XIX", "S00", "T98", "Skader, forgiftninger og visse andre konsekvenser av ytre årsaker"),
    ("XX", "V00", "Y98", "Ytre årsaker til sykdommer, skader og dødsfall"),
    ("XXI", "Z00", "Z99", "Faktorer som har betydning for helsetilstand og kontakt med helsetjenesten"),
    ("XXII", "U00", "U99", "Koder for spesielle formål"),
)
_ICPC_2_CHAPTERS: Final = {
    "A": "Allment og uspesifisert", "B": "Blod, bloddannende organer og immunsystemet", "D": "Fordøyelsessystemet",
    "F": "Øye", "H": "Øre", "K": "Hjerte-karsystemet", "L": "Muskel og skjelett", "N": "Nervesystemet",
    "P": "Psykisk", "R": "Luftveier", "S": "Hud", "T": "Endokrine, metabolske og ernæringsmessige forhold",
    "U": "Urinveier", "W": "Svangerskap, fødsel og familieplanlegging", "X": "Kvinnelige kjønnsorganer",
    "Y": "Mannlige kjønnsorganer", "Z": "Sosiale problemer",
}  # fmt: skip


class _Row(msgspec.Struct):
    code: str
    text: str


def diagnoses(file: File, *, version: str) -> dict[str, Any]:
    """The CodeSystem of a list: ICD-10 when a code has a letter that ICPC-2 lacks. Raises BadPackage."""
    try:
        rows = msgspec.json.decode(file.content.removeprefix(b"\xef\xbb\xbf"), type=list[_Row])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadPackage(f"{file.path}: {error}") from None
    listed = by_code(file, ((row.code.strip(), row.text.strip()) for row in rows))
    is_icd_10 = any(code[0] in _ICD_10_ALONE for code in listed)
    for code in listed:
        if not _code(code) and (is_icd_10 or not _process_code(code)):
            raise BadPackage(f"{file.path}: {code[:20]!r} is no code of {'ICD-10' if is_icd_10 else 'ICPC-2'}")
    return _icd_10(listed, version) if is_icd_10 else _icpc_2(listed, version)


def _icd_10(listed: dict[str, Concept], version: str) -> dict[str, Any]:
    chapters = [Concept(code, text, is_group=True) for code, _, _, text in _ICD_10_CHAPTERS]
    for category in _categories(listed):
        chapters[_icd_10_chapter(category.code)].children.append(category)
    return code_system(
        id="icd-10", url=f"urn:oid:{ICD_10}", oid=ICD_10, version=version, name="ICD10", title="ICD-10",
        copyright="ICD-10 © World Health Organization. Norsk utgave: Helsedirektoratet.", has_levels=True,
        concepts=[one for one in chapters if one.children],
    )  # fmt: skip


def _icd_10_chapter(category: str) -> int:
    """The last chapter that begins no later than this category. Norway's own `V0n` stands for all of `V00`–`V09`."""
    wanted = category.replace("n", "0")
    starts = [(first, index) for index, (_, first, _, _) in enumerate(_ICD_10_CHAPTERS)]
    return max((first, index) for first, index in starts if first <= wanted)[1]


def _icpc_2(listed: dict[str, Concept], version: str) -> dict[str, Any]:
    chapters = {letter: Concept(letter, text, is_group=True) for letter, text in _ICPC_2_CHAPTERS.items()}
    process: list[Concept] = []
    for one in listed.values():
        one.properties["component"] = _component(one.code[1:3])
    for category in _categories(listed):
        (process if category.code.startswith("-") else chapters[category.code[0]].children).append(category)
    text = "symptom (01–29), process (30–69) or diagnosis (70–99)"
    return code_system(
        id="icpc-2", url=f"urn:oid:{ICPC_2}", oid=ICPC_2, version=version, name="ICPC2", title="ICPC-2",
        copyright="ICPC-2 © WONCA. Norsk utgave: Direktoratet for e-helse / Helsedirektoratet.", has_levels=True,
        properties=[("component", "code", text)],
        concepts=[*process, *(one for one in chapters.values() if one.children)],
    )  # fmt: skip


def _component(number: str) -> str:
    return "symptom" if number < "30" else "process" if number < "70" else "diagnosis"


def _categories(listed: dict[str, Concept]) -> list[Concept]:
    """The categories of three characters, in order, each with its codes below it by their beginnings."""
    groups: dict[str, Concept] = {}

    def at(code: str) -> Concept:
        if code not in groups:
            groups[code] = listed.get(code) or Concept(code, is_group=True)
            if len(code) > _CATEGORY:
                at(code[:-1]).children.append(groups[code])
        return groups[code]

    for code in sorted(listed):
        at(code)
    return [groups[code] for code in sorted(groups) if len(code) == _CATEGORY]
