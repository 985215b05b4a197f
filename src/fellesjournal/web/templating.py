"""Templates: one environment for each language, so that translations are folded in when compiling."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined, nodes
from jinja2.nodes import Template as TemplateNode
from jinja2.visitor import NodeTransformer
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from fellesjournal.web import charts, formats, i18n
from fellesjournal.web.assets import static_url
from fellesjournal.web.csrf import csrf_field, csrf_token
from fellesjournal.web.headers import nonce
from fellesjournal.web.model import Event, Lane, Visitor, visitor_of
from fellesjournal.web.preferences import SCHEMES, scheme_of
from fellesjournal.web.script_texts import SCRIPT_TEXTS

_WORTH_ZIPPING = 2_000
_ZIP_LEVEL = 3
_LOADERS: dict[str, PackageLoader] = {"web": PackageLoader("fellesjournal.web", "templates")}


def add_templates(prefix: str, package: str) -> None:
    """Let templates in the package's `templates/` folder be named `prefix/name.html`."""
    _LOADERS[prefix] = PackageLoader(package, "templates")


def render(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """Answer with a page in the visitor's language, compressed when the browser takes it. Never stored."""
    body = render_text(request, template, **context).encode()
    headers = {"cache-control": "no-store", "vary": "accept-encoding"}
    if len(body) > _WORTH_ZIPPING and "gzip" in request.headers.get("accept-encoding", ""):
        # Safe beside secrets in the page: the forms' token is new each time, the session cookie is SameSite.
        body, headers["content-encoding"] = gzip.compress(body, _ZIP_LEVEL), "gzip"
    return HTMLResponse(body, status_code=status, headers=headers)


def render_text(request: Request, template: str, **context: object) -> str:
    """The page's or the part's text alone, for streams and for parts put together."""
    page = environment(i18n.language_of(request)).get_template(template)
    return page.render(_shared(request) | context)


@cache
def environment(language: str) -> Environment:
    """The templates in one language."""
    made = _Folding(
        loader=PrefixLoader(_LOADERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.translate = partial(i18n.translated, language)
    made.globals.update(_globals(language))
    made.filters.update(_filters(language))
    return made


class _Folding(Environment):
    """Replaces `_("…")` by its translation while the template is compiled."""

    translate: Callable[[str], str]

    def _parse(self, source: str, name: str | None, filename: str | None) -> TemplateNode:
        tree: TemplateNode = super()._parse(source, name, filename)
        return _Fold(self.translate).visit(tree)  # type: ignore[no-any-return]


class _Fold(NodeTransformer):
    def __init__(self, translate: Callable[[str], str]) -> None:
        self._translate = translate

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - Jinja's name for it
        self.generic_visit(node)
        if _is_plain_text(node):
            return nodes.Const(self._translate(node.args[0].value), lineno=node.lineno)  # type: ignore[attr-defined]
        return node


def _is_plain_text(node: nodes.Call) -> bool:
    is_marked = isinstance(node.node, nodes.Name) and node.node.name == "_"
    return is_marked and not node.kwargs and len(node.args) == 1 and isinstance(node.args[0], nodes.Const)


def _shared(request: Request) -> dict[str, object]:
    return {
        "request": request,
        "visitor": visitor_of(request),
        "language": i18n.language_of(request),
        "scheme": scheme_of(request),
        "here": request.url.path,
    }


def _globals(language: str) -> dict[str, Any]:
    return {
        "_": partial(i18n.translated, language),
        "_n": partial(i18n.counted, language),
        "static": static_url,
        "csrf_field": csrf_field,
        "csrf_token": csrf_token,
        "nonce": nonce,
        "as_json": as_json,
        "palette_entries": _palette_entries,
        "languages": i18n.LANGUAGES,
        "schemes": SCHEMES,
        "script_texts": {key: i18n.translated(language, text) for key, text in SCRIPT_TEXTS.items()},
        "sparkline_svg": partial(charts.sparkline, language=language),
        "timeline_svg": charts.timeline,
    }


def _filters(language: str) -> dict[str, Callable[..., Any]]:
    return {
        "tid": partial(_in, formats.instant, language),
        "klokke": partial(_in, formats.clock, language),
        "dato": formats.day,
        "maskintid": formats.machine,
        "tall": formats.number,
        "avsnitt": paragraphs,
        "in_order": _in_order,
        "type_choices": _type_choices,
        "type_rows": _type_rows,
    }


def _in(write: Callable[..., str], language: str, value: object) -> str:
    return write(value, language)


def _palette_entries(visitor: Visitor) -> list[dict[str, str]]:
    entries = (*visitor.palette.entries, *visitor.links)
    return [{"label": entry.label, "url": entry.url, "hint": entry.hint} for entry in entries]


def _in_order(lanes: Sequence[Lane]) -> list[tuple[datetime, int, Lane, Event]]:
    rows = [(event.at, i, lane, event) for i, lane in enumerate(lanes, 1) for event in lane.events]
    return sorted(rows, key=lambda row: row[0], reverse=True)


def _type_choices(types: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(code, f"{label} ({unit})" if unit else label) for code, label, unit in types]


def _type_rows(types: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"code": code, "label": label, "unit": unit} for code, label, unit in types]


def paragraphs(text: str) -> Markup:
    """Free text as paragraphs and line breaks, everything in it escaped."""
    blocks = (block.strip("\n") for block in text.replace("\r\n", "\n").split("\n\n"))
    lines = (Markup("<br>").join(block.split("\n")) for block in blocks if block.strip())
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


def as_json(value: object) -> Markup:
    """The value as JSON that is safe between script tags."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704
