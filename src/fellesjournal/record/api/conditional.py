"""Conditional reads: 304 for whoever has the version already (FHIR http §2.21.0.4; RFC 9110, 13.1).

The version is read, decided and logged first: what is hidden is as absent here as everywhere.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from fellesjournal.record.api.http import version_headers
from fellesjournal.record.lookup import Stored

_TAG: Final = re.compile(r'[\s,]*(?:(?:W/)?"([\x21\x23-\x7e]*)"|(\*|[0-9]{1,9}))\s*(?=,|$)')
"""An entity tag, weak or strong, `*`, or a bare version number as some FHIR clients write it."""


def not_modified(request: Request, stored: Stored) -> Response | None:
    """The 304 when the client has this version, else None. If-None-Match is looked at alone when it is there.

    What is shown with a protected address at one time and without it at another is always sent anew: who has gained the
    right would keep what was hidden from them, who has lost it what they may no longer see.
    """
    version, updated = stored.version, stored.updated
    if stored.varies:
        return None
    tags = request.headers.getlist("if-none-match")
    if tags:
        has_it = _is_named(", ".join(tags), str(version))
    else:
        has_it = _is_older(request.headers.get("if-modified-since"), updated)
    if not has_it:
        return None
    return Response(status_code=304, headers={"Cache-Control": "no-store", **version_headers(version, updated)})


def not_modified_tag(request: Request, tag: str) -> Response | None:
    """The 304 when the client has what this tag stands for, which is no version of a resource; else None."""
    if not _is_named(", ".join(request.headers.getlist("if-none-match")), tag):
        return None
    return Response(status_code=304, headers={"Cache-Control": "no-store", "ETag": f'W/"{tag}"'})


def _is_named(text: str, own: str) -> bool:
    """Whether a list of tags names ours, by the weak comparison; from what is no tag on it names nothing."""
    at = 0
    while (tag := _TAG.match(text, at)) is not None:
        if tag[2] == "*" or (tag[1] or tag[2]) == own:
            return True
        at = tag.end()
    return False


def _is_older(text: str | None, updated: datetime) -> bool:
    """Whether nothing has changed since; a date that can't be read is as if it weren't there (RFC 9110, 13.1.3)."""
    if text is None:
        return False
    try:
        since = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return False
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return updated.replace(microsecond=0) <= since
