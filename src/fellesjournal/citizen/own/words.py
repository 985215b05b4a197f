"""Plain words for what the record holds: written so that a twelve-year-old can read them.

Explanations are general knowledge; they say what a number measures, never what it means for this person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fellesjournal.web import _


@dataclass(frozen=True, slots=True)
class Words:
    """What a measurement is called, and what it tells."""

    name: str
    told: str = ""


MEASUREMENTS: Final = {
    "85354-9": Words(
        _("Blodtrykk"),
        _(
            "Hvor hardt blodet trykker mot blodårene. "
            "Det første tallet er når hjertet slår, det andre når det hviler."
        ),
    ),
    "8867-4": Words(_("Puls"), _("Hvor mange ganger hjertet slår i minuttet.")),
    "8310-5": Words(_("Temperatur"), _("Hvor varm kroppen er. Over 38 grader kalles feber.")),
    "9279-1": Words(_("Pustefrekvens"), _("Hvor mange ganger du puster i minuttet.")),
    "59408-5": Words(
        _("Oksygenmetning"), _("Hvor mye oksygen blodet bærer med seg. Det måles med en klype på fingeren.")
    ),
    "2708-6": Words(_("Oksygenmetning"), _("Hvor mye oksygen blodet bærer med seg.")),
    "29463-7": Words(_("Vekt")),
    "8302-2": Words(_("Høyde")),
    "39156-5": Words(_("Kroppsmasseindeks (KMI)"), _("Vekten sett sammen med høyden.")),
    "9843-4": Words(_("Hodeomkrets"), _("Mål rundt hodet. Det brukes for å følge hvordan små barn vokser.")),
    "11881-0": Words(_("Livmorens høyde"), _("Brukes i svangerskapet for å følge hvordan barnet vokser.")),
    "55283-6": Words(
        _("Barnets hjertelyd"), _("Hvor mange ganger hjertet til barnet i magen slår i minuttet.")
    ),
    "1104441000000107": Words(_("Bevissthet"), _("Hvor våken du var da du ble undersøkt.")),
    "oxygen-given": Words(_("Fikk oksygen"), _("Om du fikk ekstra oksygen da du ble undersøkt.")),
}
"""By LOINC code, SNOMED CT code or our own."""

LABORATORY: Final = {
    "NPU28309": Words(
        _("Hemoglobin (blodprosent)"),
        _("Det røde stoffet i blodet som frakter oksygen. Lavt kan være blodmangel."),
    ),
    "NPU19748": Words(_("CRP"), _("Stiger når kroppen har en betennelse, for eksempel etter bakterier.")),
    "NPU27300": Words(
        _("HbA1c (langtidsblodsukker)"), _("Hvor høyt blodsukkeret har vært de siste to–tre månedene.")
    ),
    "NPU04998": Words(_("Kreatinin"), _("Et avfallsstoff som nyrene renser bort. Sier noe om nyrene.")),
    "egfr": Words(_("eGFR (nyrefunksjon)"), _("Et regnet tall for hvor godt nyrene renser blodet.")),
    "NPU03230": Words(_("Kalium"), _("Et salt som er viktig for hjertet og musklene.")),
    "NPU03429": Words(_("Natrium"), _("Et salt som er viktig for væsken i kroppen.")),
    "NPU01566": Words(_("Kolesterol"), _("Fett i blodet. Kroppen trenger det, men ikke for mye.")),
    "NPU01568": Words(_("LDL-kolesterol"), _("Den delen av kolesterolet som kan feste seg i blodårene.")),
    "NPU03577": Words(_("TSH"), _("Et hormon som styrer stoffskiftet.")),
    "ft4": Words(_("Fritt T4"), _("Et hormon fra skjoldkjertelen, som bestemmer stoffskiftet.")),
    "NPU19763": Words(_("Ferritin"), _("Hvor mye jern kroppen har på lager.")),
    "urat": Words(_("Urat (urinsyre)"), _("Et avfallsstoff. For mye kan gi urinsyregikt.")),
    "NPU02593": Words(_("Hvite blodceller"), _("Cellene som tar seg av infeksjoner.")),
    "alat": Words(_("ALAT"), _("Et stoff fra leveren. Stiger når leveren er plaget.")),
    "ntprobnp": Words(_("NT-proBNP"), _("Stiger når hjertet må jobbe hardt.")),
    "b12": Words(_("Vitamin B12"), _("Et vitamin som nerver og blod trenger.")),
    "psa": Words(_("PSA"), _("Et stoff fra prostata.")),
}
"""By NPU code or our own."""

VACCINES: Final = {
    "J07BH01": _("Rotavirus (mage-tarm-infeksjon hos små barn)"),
    "J07CA09": _("Difteri, stivkrampe, kikhoste, polio, Hib og hepatitt B"),
    "J07AL02": _("Pneumokokker (bakterier som kan gi lungebetennelse)"),
    "J07BD52": _("Meslinger, kusma og røde hunder"),
    "J07CA02": _("Difteri, stivkrampe, kikhoste og polio"),
    "J07BM03": _("HPV (virus som kan gi livmorhalskreft)"),
    "J07BB02": _("Influensa"),
    "J07BN01": _("Covid-19"),
}
"""By ATC code: which illnesses the vaccine is against."""

CONTACTS: Final = {
    "consultation": _("Time hos legen"),
    "phone": _("Telefonsamtale"),
    "e-consultation": _("E-konsultasjon (melding til legen)"),
    "emergency": _("Legevakt"),
    "programme-visit": _("Helsestasjon"),
    "home-visit": _("Hjemmebesøk"),
    "stay": _("Opphold"),
    "maternity-visit": _("Svangerskapskontroll"),
    "school-health": _("Skolehelsetjenesten"),
}
"""By our contact types."""

UNITS: Final = {"/min": _("i minuttet")}
"""Units that have a plainer form than their printed one."""

LEVELS: Final = {"H": "high", "HH": "high", "L": "low", "LL": "low"}
"""HL7's interpretation as the quantity component marks it."""

MONTHS: Final = (
    _("januar"), _("februar"), _("mars"), _("april"), _("mai"), _("juni"), _("juli"), _("august"),
    _("september"), _("oktober"), _("november"), _("desember"),
)  # fmt: skip
