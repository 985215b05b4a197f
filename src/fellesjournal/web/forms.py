"""Reading a form: texts trimmed at the edge, faults gathered by field and shown beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_FIELDS = 1000


@dataclass(frozen=True, slots=True)
class Form:
    """What a person sent. Values are texts; files are read by those who ask for files."""

    data: FormData

    def text(self, name: str) -> str:
        """The field's text without blanks around it, with plain line breaks; empty when it is not there."""
        value = self.data.get(name)
        return _clean(value) if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Every non-empty value of a field that may come more than once."""
        cleaned = (_clean(value) for value in self.data.getlist(name) if isinstance(value, str))
        return tuple(value for value in cleaned if value)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Values such as `code|text`, as the note's menu sends them; those without a bar are left out."""
        split = (value.partition("|") for value in self.texts(name))
        return tuple((code.strip(), rest.strip()) for code, bar, rest in split if bar)

    def note_diagnoses(self) -> tuple[tuple[str, str], ...]:
        """Codes with texts from the note's menu, and the code typed in the plain field (without text)."""
        plain = self.text("diagnosis_plain")
        return self.pairs("diagnosis") + (((plain.upper(), ""),) if plain else ())

    def note_measurements(self) -> tuple[tuple[str, str], ...]:
        """Types with their typed values, from the note's menu and from the plain fields."""
        kind, value = self.text("measurement_type_plain"), self.text("measurement_value_plain")
        return self.pairs("measurement") + (((kind, value),) if kind and value else ())

    def is_on(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self.data

    def values(self) -> dict[str, str]:
        """Every text by its field's name, for showing the form again as it was."""
        return {name: self.text(name) for name in self.data}


@dataclass(slots=True)
class FieldErrors:
    """Faults by field, in the order they were found; false when there is none."""

    found: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, message: str) -> None:
        """Say what is wrong with a field; the first fault of a field is the one that shows."""
        self.found.setdefault(name, message)

    def get(self, name: str) -> str | None:
        """The fault of a field, if it has one."""
        return self.found.get(name)

    def items(self) -> tuple[tuple[str, str], ...]:
        """Every field with its fault, for the summary at the top."""
        return tuple(self.found.items())

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.found)


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> Form:
    """Read the request's form. Raises 400 when it is broken or has too many fields."""
    form = Form(await request.form(max_fields=max_fields, max_files=20))
    if any("\x00" in value for value in form.data.values() if isinstance(value, str)):
        raise HTTPException(400)
    return form


def _clean(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()
