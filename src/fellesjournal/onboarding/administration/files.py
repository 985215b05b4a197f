"""A file with units, people and posts: shown first, then carried out, all of it or nothing."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.identity.administration import REFUSALS, Administrator, BadFile, Refused, carry_out, read_file
from fellesjournal.onboarding.administration import words
from fellesjournal.onboarding.administration.people import HOME, WHY, role_names
from fellesjournal.web import read_form, render, translate

_SHOWN = 500


@gate.administrator(WHY)
async def show(request: Request, _decision: Decision) -> Response:
    """The form, with what a file is like."""
    return render(request, "administration/file.html", faults=(), report=None)


@gate.administrator(WHY)
async def put(request: Request, decision: Decision) -> Response:
    """Show what a file would change, or change it."""
    form = await read_form(request)
    file, is_dry = form.data.get("fil"), form.text("gjor") != "gjennomfor"
    if not isinstance(file, UploadFile) or not file.filename:
        return _faulty(request, [translate(request, REFUSALS["unknown"])])
    content = await file.read()
    try:
        read = read_file(
            content, name=file.filename, keys=request.app.state.keys, is_demo=request.app.state.installed.demo
        )
        report = await carry_out(
            request.app.state.access_db, read.wishes, by=Administrator(decision.secret), is_dry=is_dry
        )
    except BadFile as bad:
        return _faulty(request, bad.faults)
    except Refused as refused:
        said = [f"{read.places[place]}: {translate(request, REFUSALS[why])}" for place, why in refused.faults.items()]
        return _faulty(request, said)
    roles = await role_names(request, decision)
    shown: list[Any] = [(one, words.details(one, roles)) for one in report.changes[:_SHOWN]]
    return render(
        request, "administration/file.html", faults=(), report=report, shown=shown, subjects=words.SUBJECTS,
        did=words.DID, total=len(report.changes),
    )  # fmt: skip


def _faulty(request: Request, faults: list[str]) -> Response:
    return render(request, "administration/file.html", 422, faults=faults, report=None)


routes = [Route(HOME + "/fil", show), Route(HOME + "/fil", put, methods=["POST"])]
