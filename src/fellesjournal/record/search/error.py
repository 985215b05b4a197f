"""What a search refuses, in words that name the parameter."""

from collections.abc import Sequence

from fellesjournal.fhir import Issue
from fellesjournal.record.errors import RecordError


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


def refusal(param: str, why: str, *, code: str = "invalid") -> SearchError:
    """A SearchError about one parameter. `why` never quotes a searched value."""
    return SearchError([Issue("error", code, "", f"{param}: {why}")])
