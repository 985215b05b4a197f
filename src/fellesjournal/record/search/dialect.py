"""What a question is read with: this server's own address, and the search parameters that it has."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fellesjournal import fhir
from fellesjournal.record.search.error import Unready


@dataclass(frozen=True)
class Dialect:
    """References under `base` are to this server; `registry` knows the parameters.

    `editions` gathers those of the added parameters that were asked for.
    """

    base: str = ""
    registry: fhir.Registry = fhir.OFFICIAL
    editions: set[int] = field(default_factory=set)

    def find(self, rtype: str, name: str, code: str) -> fhir.SearchParam | None:
        """The parameter of a type with a code; `name` is what an error names. Raises Unready."""
        param = self.registry.params(rtype).get(code)
        added = self.registry.find(param.id) if param else None
        if added is not None:
            if not added.is_ready:
                raise Unready(name, "this parameter was added lately and is still being indexed")
            self.editions.add(added.edition)
        return param

    def ready_params(self, rtype: str) -> Iterable[fhir.SearchParam]:
        """The parameters of a type that may be searched by."""
        for param in self.registry.params(rtype).values():
            added = self.registry.find(param.id)
            if added is None or added.is_ready:
                yield param


PLAIN: Final = Dialect()
MAX_HOPS: Final = 3
"""References that a chain may follow."""
