"""The shared look: layout, components, forms, static files and languages. No clinical rules.

Rooms above register their templates with `add_templates`, mark Norwegian texts with `_` and answer with
`render` or `error_page`. The application mounts `routes()` and wraps itself in `SecurityHeaders` and
`CsrfProtection`; the room that knows the session puts a `Visitor` in the request with `set_visitor`.
"""

from __future__ import annotations

from fellesjournal.web.csrf import csrf_field, csrf_token
from fellesjournal.web.errors import error_page, exception_handlers
from fellesjournal.web.forms import FieldErrors, Form, read_form
from fellesjournal.web.headers import SecurityHeaders, allow_form_targets
from fellesjournal.web.i18n import _, language_of, translate
from fellesjournal.web.kept import keep_typed
from fellesjournal.web.model import (
    AccessGround,
    Allergy,
    Entry,
    Event,
    Exceptional,
    Kin,
    Lane,
    Palette,
    Service,
    Storyboard,
    Visitor,
    set_visitor,
    visitor_of,
)
from fellesjournal.web.preferences import routes
from fellesjournal.web.protection import CsrfProtection
from fellesjournal.web.templating import add_templates, render, render_text

__all__ = [
    "AccessGround",
    "Allergy",
    "CsrfProtection",
    "Entry",
    "Event",
    "Exceptional",
    "FieldErrors",
    "Form",
    "Kin",
    "Lane",
    "Palette",
    "SecurityHeaders",
    "Service",
    "Storyboard",
    "Visitor",
    "_",
    "add_templates",
    "allow_form_targets",
    "csrf_field",
    "csrf_token",
    "error_page",
    "exception_handlers",
    "keep_typed",
    "language_of",
    "read_form",
    "render",
    "render_text",
    "routes",
    "set_visitor",
    "translate",
    "visitor_of",
]
