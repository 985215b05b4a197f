"""From the generated world's own keys to the vault's: the same key is always the same row, so a loader can
start again.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from fellesjournal.kit.ids import encode
from fellesjournal.record.ownership import slot_of

_BITS = 62


class Keyring:
    """Numbers for the keys of one world; `people` are the keys of its persons."""

    def __init__(self, *, seed: int, people: frozenset[str]) -> None:
        self._seed = seed
        self._people = people

    def pid(self, key: str) -> int:
        """The number of a key: 62 bits, the same for ever."""
        digest = blake2b(f"{self._seed}\x1f{key}".encode(), digest_size=8).digest()
        return 1 << (_BITS - 1) | int.from_bytes(digest, "big") >> 3

    def slot(self, person: str) -> int:
        """The bucket of a person."""
        return slot_of(self.pid(person))

    def id_in(self, person: str | None) -> Callable[[str, str], str]:
        """How `Type/key` becomes an id in this person's record, or in the directory."""

        def resolve(rtype: str, key: str) -> str:
            if rtype == "Patient" or key in self._people:
                return encode(self.slot(key), self.pid(key))
            is_own = person is not None and key.startswith(person + "-")
            return encode(self.slot(person) if is_own and person else 0, self.pid(key))

        return resolve


def rewrite(value: Any, resolve: Callable[[str, str], str]) -> Any:
    """The same content with every `reference` of the form Type/key led to its id."""
    if isinstance(value, Mapping):
        return {
            name: _led(inner, resolve) if name == "reference" and isinstance(inner, str) else rewrite(inner, resolve)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [rewrite(inner, resolve) for inner in value]
    return value


def _led(reference: str, resolve: Callable[[str, str], str]) -> str:
    rtype, slash, key = reference.partition("/")
    return f"{rtype}/{resolve(rtype, key)}" if slash and rtype.isalpha() else reference
