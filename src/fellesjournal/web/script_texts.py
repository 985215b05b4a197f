"""The texts that the scripts show, sent with each page in the visitor's language."""

from __future__ import annotations

from fellesjournal.web.i18n import _

SCRIPT_TEXTS = {
    "draftSaved": _("Kladd lagret kl. {tid}"),
    "draftRestored": _("Kladd fra kl. {tid} er hentet fram"),
    "draftOlder": _("Kladden ble skrevet til en eldre versjon. Se gjennom teksten før du lagrer."),
    "draftFailed": _("Kladden kan ikke lagres i denne nettleseren"),
    "draftDiscarded": _("Kladden er forkastet"),
    "discard": _("Forkast kladden"),
    "noteMenu": _("Sett inn"),
    "diagnosis": _("Diagnose"),
    "diagnosisHint": _("ICPC-2, søk på kode eller navn"),
    "measurement": _("Måling"),
    "measurementHint": _("velg type og skriv verdien"),
    "searchDiagnosis": _("Søk etter diagnose"),
    "noHits": _("Ingen treff"),
    "searchFailed": _("Søket svarer ikke. Prøv igjen."),
    "hits": _("{n} treff"),
    "type": _("Type"),
    "value": _("Verdi"),
    "insert": _("Sett inn"),
    "cancel": _("Avbryt"),
    "remove": _("Fjern"),
    "inserted": _("Satt inn: {tekst}"),
    "removed": _("Fjernet: {tekst}"),
    "valueMissing": _("Skriv en verdi"),
    "sessionSoon": _("Du blir logget ut om {n} sekunder hvis du ikke gjør noe."),
    "sessionKept": _("Du er fortsatt innlogget."),
    "loading": _("Henter …"),
}
