"""The circumstances of a task, as the rooms that made it tell them: codes, times and counts, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from fellesjournal.access.review import Task
from fellesjournal.web import _

_INSTANTS: Final = {"until": _("Åpnet til"), "at": _("Lesingen det gjelder")}
_TEXTS: Final = {"minutes": _("Varighet i minutter"), "ticket": _("Sak hos leverandøren"), "operator": _("Gitt av")}
SENSITIVE: Final = _("Særlig følsomme opplysninger ble åpnet")
RELATIONS: Final = {
    "partner": _("Ektefelle eller partner"), "child": _("Barn"), "parent": _("Mor eller far"), "sibling": _("Søsken"),
    "household": _("Samme adresse"),
}  # fmt: skip
"""What the patient is to the reader."""
EXTENDED: Final = _("Forlengelse av en tidligere bruk, med ny begrunnelse")


def circumstances(task: Task, language: str) -> list[tuple[str, Any]]:
    """(label in bokmål, instant or text) of what is known of the use itself; findings have their signs instead."""
    return [] if "signs" in task.evidence else list(_told(task.evidence, _grounds(task, language)))


def notes(task: Task) -> list[str]:
    """Sentences in bokmål on what makes this use another than most."""
    found = ((task.evidence.get("what") == "sensitive", SENSITIVE), (bool(task.evidence.get("extends")), EXTENDED))
    return [text for is_so, text in found if is_so]


def _told(evidence: dict[str, Any], grounds: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if ground := evidence.get("ground"):
        yield _("Grunn"), grounds.get(ground, ground)
    if relation := evidence.get("relation"):
        yield _("Pasienten er leserens"), _(RELATIONS.get(relation, relation))
    for name, label in _INSTANTS.items():
        if at := evidence.get(name):
            yield label, datetime.fromisoformat(at)
    for name, label in _TEXTS.items():
        if evidence.get(name):
            yield label, str(evidence[name])


def _grounds(task: Task, language: str) -> dict[str, str]:
    """What the grounds in the log's lines are called."""
    return {line.ground: line.ground_names.text(language) or line.ground for line in task.trail}
