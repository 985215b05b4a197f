"""Words for what administrators see, and the fields of changes as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from fellesjournal.identity.administration import Change, last_day
from fellesjournal.kit import db
from fellesjournal.kit.clock import OSLO
from fellesjournal.web import _

UNIT_KINDS: Final = {
    "municipality": _("Kommune"), "service": _("Tjeneste"), "gp": _("Legekontor"), "legevakt": _("Legevakt"),
    "home_care": _("Hjemmetjeneste"), "nursing_home": _("Sykehjem"), "child_health": _("Helsestasjon"),
    "allocation": _("Tildelingskontor"), "company": _("Virksomhet"),
}  # fmt: skip
MODELS: Final = {1: _("felles ansvar"), 2: _("sentralt ansvar"), 3: _("delt ansvar etter tjeneste")}
ACTIONS: Final = {
    "read": _("Lese i journaler"), "write": _("Skrive i journaler"), "identify": _("Slå opp personer"),
    "register": _("Registrere kontakter"), "list": _("Se enhetens lister"), "sign": _("Signere"),
    "review": _("Vurdere hvordan tilgang er brukt"), "duty": _("Føre enhetens vaktliste"),
    "erase": _("Være en av de to som sletter en opplysning"),
}  # fmt: skip
SUBJECTS: Final = {
    "unit": _("Enhet"), "person": _("Person"), "post": _("Stilling"), "right": _("Rettighet"),
    "controllership": _("Dataansvar"), "client": _("System"), "known": _("Kjent person"), "duty": _("Vakt"),
    "review": _("Innsynskontroll"),
}  # fmt: skip
DID: Final = {"added": _("lagt til"), "changed": _("endret"), "ended": _("avsluttet")}
FIELDS: Final = {
    "name": _("navn"), "user_name": _("brukernavn"), "external": _("id i kildesystemet"), "licence": _("HPR-nummer"),
    "active": _("i arbeid"), "unit": _("enhet"), "role": _("rolle"), "from": _("fra"), "until": _("til og med"),
    "code": _("kode"), "kind": _("slag"), "parent": _("under"), "entity": _("virksomhet"), "municipality": _("kommune"),
    "action": _("rettighet"), "kinds": _("opplysninger"), "controller": _("dataansvarlig"), "model": _("modell"),
    "token": _("nøkkel"), "duty_list": _("bare de på vakt har tilgang"), "shifts": _("vakter"),
    "reviewers": _("innsynsansvarlige ved"), "source": _("avtale"), "reason": _("hvorfor"),
    "shift_from": _("fra"), "shift_until": _("til"),
}  # fmt: skip


def named(rows: list[db.Row], language: str) -> dict[str, str]:
    """Code and name of rows with a name in each language."""
    return {row["code"]: row[f"name_{language}"] for row in rows}


def details(change: Change, roles: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(field, before, after) of a change; texts for translation, "" for what was not or is not there."""
    fields = [name for name in FIELDS if name in change.before or name in change.after]
    before, after = change.before, change.after
    told = [
        (FIELDS[name], _shown(name, before.get(name), roles), _shown(name, after.get(name), roles)) for name in fields
    ]
    is_whole = change.did != "changed" or change.subject in ("known", "review")  # nothing else says whom it is about
    return [(name, was if was != now else "", now) for name, was, now in told if was != now or (is_whole and now)]


def _shown(name: str, value: Any, roles: Mapping[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("ja") if value else _("nei")
    text = str(value)
    if name in ("from", "until"):
        at = datetime.fromisoformat(text)
        on: date = last_day(at) if name == "until" else at.astimezone(OSLO).date()
        return f"{on:%d.%m.%Y}"
    if name in ("shift_from", "shift_until"):
        return f"{datetime.fromisoformat(text).astimezone(OSLO):%d.%m.%Y kl. %H.%M}"
    tables: dict[str, Mapping[str, str]] = {"role": roles, "action": ACTIONS, "kind": UNIT_KINDS}
    return tables.get(name, {}).get(text, text)
