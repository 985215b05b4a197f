"""Every address of the citizen's room and of the pages that are open to all."""

from __future__ import annotations

from fellesjournal.citizen import front
from fellesjournal.citizen.blocks import routes as blocks
from fellesjournal.citizen.log import questions, seals
from fellesjournal.citizen.log import routes as log
from fellesjournal.citizen.own import corrections
from fellesjournal.citizen.own import routes as own
from fellesjournal.citizen.representation import routes as representation

routes = [
    *front.routes, *own.routes, *corrections.routes, *log.routes, *questions.routes, *blocks.routes, *seals.routes,
    *representation.routes,
]  # fmt: skip
