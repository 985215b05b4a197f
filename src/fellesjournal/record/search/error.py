"""What a search refuses, in words that name the parameter."""

from collections.abc import Sequence

from fellesjournal.fhir import Issue
from fellesjournal.record.errors import RecordError
from fellesjournal.web import _


class SearchError(RecordError):
    """A search that can't be understood or served; `issues` name the parameters at fault."""

    status = 400
    code = "invalid"
    text = "Søket kan ikke utføres slik det er skrevet."

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(issue.diagnostics for issue in issues), issues=issues)


class Unknown(Exception):
    """A parameter or modifier that this server doesn't know: refused or left out, as the client prefers."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name
        self.why = why


class UnknownModifier(Unknown):
    """A modifier that this parameter doesn't take: left out, the answer would be to another question."""


class Unready(Unknown):
    """A parameter that was added and that older resources have no rows for yet: no answer would be complete."""


class NotIndexed(SearchError):
    """A search by such a parameter."""

    status = 503
    code = "incomplete"
    text = _("Søkeparameteren er ny, og eldre opplysninger er ikke registrert på den ennå. Prøv igjen om litt.")
    english = "A search parameter is still being indexed: no answer would be complete. Try again later."


def refusal(param: str, why: str, *, code: str = "invalid") -> SearchError:
    """A SearchError about one parameter. `why` never quotes a searched value."""
    return SearchError([Issue("error", code, "", f"{param}: {why}")])


def refused(faults: Sequence[Issue]) -> SearchError:
    """The refusal of all faults found: NotIndexed when nothing else is wrong."""
    return (NotIndexed if all(issue.code == NotIndexed.code for issue in faults) else SearchError)(faults)
