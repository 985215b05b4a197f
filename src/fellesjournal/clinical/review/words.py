"""What the reviewer's codes are called."""

from __future__ import annotations

from typing import Final

from fellesjournal.web import _

JUDGEMENTS: Final = {
    "OK": (_("I orden"), _("Det var tjenstlig behov, og det som ble gjort, var riktig.")),
    "DEVIATION": (_("Avvik"), _("Noe ble gjort feil, men ikke av nysgjerrighet. Skriv hva.")),
    "SUSPECTED": (
        _("Mistanke om snoking"),
        _("Det er grunn til å tro at noen leste uten tjenstlig behov. Skriv hvorfor."),
    ),
}
"""What can be said of a task, with what it means."""

COLORS: Final = {"OK": ("success", "✓"), "DEVIATION": ("warning", "▲"), "SUSPECTED": ("danger", "!")}

FOLLOW_UPS: Final = {
    "READER_TOLD": _("Har snakket med den det gjelder"),
    "LEADER_TOLD": _("Lederen er varslet"),
    "PATIENT_TOLD": _("Pasienten er varslet"),
    "DPO_TOLD": _("Personvernombudet er varslet"),
    "AUTHORITY_TOLD": _("Meldt til Statsforvalteren eller Datatilsynet"),
    "ROUTINE_CHANGED": _("Rutine eller tilgangsregel er endret"),
}

PERIODS: Final = {"30": _("30 dager"), "90": _("90 dager"), "365": _("ett år")}

GROUPS: Final = {
    "RELATION": _("Hva leser og pasient er for hverandre (det sterkeste teller)"),
    "NEED": _("Tegn på behov"),
    "WAY": _("Hvordan leseren kom inn"),
    "MANNER": _("Hvordan det ble lest"),
    "VOLUME": _("Hvor mange journaler"),
}
