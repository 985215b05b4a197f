"""Bundles as they are sent: what each entry wishes, and where entries refer to each other (FHIR http §2.21.0.17)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.record.errors import Invalid, Malformed, faults_at
from fellesjournal.record.patch import Patch, patch_in

MAX_ENTRIES: Final = 10_000
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
_URL = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64}))?/?(?:\?(.*))?", re.DOTALL)
_FULL_URL = re.compile(r"(https?://.+/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_LINK = re.compile(r"""\b(?:href|src)\s*=\s*["']([^"'<>]+)["']""")
_NARRATIVE = "div"
_OF_VERSION = "/_history/"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Entry:
    """One wish of a bundle. `id` is the url's, or for a conditional update the body's; "" when none is said.

    `question` is its condition: ifNoneExist, or what stands behind the ? of a PUT, PATCH or DELETE.
    `near` is where it may refer to other entries: its resource, or what its patch puts in.
    What reads has the method GET, also when it posts what an operation is asked: its `request` says how.
    """

    place: int
    method: str
    rtype: str
    id: str
    question: str
    full_url: str
    if_match: int
    resource: dict[str, Any] | None
    request: dict[str, Any]
    patch: Patch | None = None
    near: Any = None

    @property
    def where(self) -> str:
        """Its place in what was sent; "" for an interaction of its own."""
        return f"Bundle.entry[{self.place}]" if self.place >= 0 else ""

    @property
    def content(self) -> str:
        """The place of its resource."""
        return f"{self.where}.resource" if self.where else ""

    @property
    def asked(self) -> str:
        """The place of its request."""
        return f"{self.where}.request" if self.where else ""

    @property
    def is_asking(self) -> bool:
        """Whether it reads: such an entry and the writes beside it are one transaction."""
        return bool(self.question) or self.method == "GET"


@dataclass(frozen=True)
class Place:
    """A text in an entry's resource that may stand for another entry, or ask for what it refers to.

    `version` is what follows the text where one version is meant (`/_history/3`).
    """

    entry: int
    container: Any
    key: Any
    text: str
    version: str = ""

    def put(self, target: str) -> None:
        """Let the target stand there; in a narrative, in its links and images."""
        if self.key == _NARRATIVE:
            link = re.compile(f"""(\\b(?:href|src)\\s*=\\s*["']){re.escape(self.text)}(?=["'])""")
            target = link.sub(lambda found: found[1] + target, self.container[_NARRATIVE])
        self.container[self.key] = target


def read_entries(bundle: dict[str, Any], *, base: str) -> list[Entry]:
    """The entries of a transaction. Raises Malformed with the place of the fault, Invalid for a fullUrl used twice."""
    entries = [read_entry(place, entry, base=base) for place, entry in enumerate(list_entries(bundle))]
    urls = [entry.full_url for entry in entries if entry.full_url and entry.method != "GET"]
    if len(set(urls)) != len(urls):
        raise Invalid("A transaction may touch each resource, and use each fullUrl, once.")
    return entries


def list_entries(bundle: dict[str, Any]) -> list[Any]:
    """The entries as they were sent. Raises Malformed when it is no list, or too long."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise fault("Bundle.entry", "must be an array of objects.")
    if len(entries) > MAX_ENTRIES:
        raise fault("Bundle.entry", f"may hold at most {MAX_ENTRIES} entries.")
    return entries


def read_entry(place: int, entry: Any, *, base: str) -> Entry:
    """One entry. Raises Malformed with the place of the fault."""
    where = f"Bundle.entry[{place}]"
    if not isinstance(entry, dict):
        raise fault(where, "must be an object.")
    request = entry.get("request")
    if not isinstance(request, dict):
        raise fault(f"{where}.request", "is missing.")
    full_url = entry.get("fullUrl")
    named = full_url.removeprefix(f"{base}/") if isinstance(full_url, str) else ""
    if _is_asking(request):
        sent = _sent(where, entry.get("resource"), request) if request["method"] == "POST" else None
        return Entry(place, "GET", "", "", "", named, -1, sent, request)
    return _read_write(place, entry, request, named, base)


def fault(where: str, what: str) -> Malformed:
    """What is wrong with a bundle itself, with the place of it."""
    return Malformed(f"{where} {what}", issues=[fhir.Issue("error", "structure", where, f"{where} {what}")])


def find_places(entries: Sequence[Entry]) -> list[Place]:
    """Every address that is the fullUrl of an entry, absolute or relative to the own one, and every other reference.

    Addresses are references, elements of types uri, url, oid and uuid, and links and images of narratives: no canonical
    and no plain text, as an identifier's value is (FHIR http, transaction). References within the resource (`#…`) are
    left out.
    """
    urls = {entry.full_url for entry in entries if entry.full_url}
    return [place for entry in entries if entry.near is not None for place in _places_in(entry, urls)]


def _places_in(entry: Entry, urls: set[str]) -> Iterator[Place]:
    root = match[1] if (match := _FULL_URL.fullmatch(entry.full_url)) else ""
    # What a patch puts in stands under names that tell nothing of it.
    links = fhir.link_names() if entry.method != "PATCH" else None
    waiting: list[tuple[Any, Any]] = [(entry.near, "")]
    for item, name in waiting:
        for key, value in item.items() if type(item) is dict else enumerate(item):
            named = key if type(key) is str else name
            if type(value) is str:
                if value in urls and (links is None or named in links):
                    yield Place(entry.place, item, key, value)
                elif key == "reference" and value[:1] != "#":
                    text, version = _unversioned(_absolute(value, root, urls), urls)
                    yield Place(entry.place, item, key, text, version)
                elif key == _NARRATIVE:
                    yield from (Place(entry.place, item, key, text) for text in _linked(value) & urls)
            elif type(value) is dict or type(value) is list:
                waiting.append((value, named))


def _linked(narrative: str) -> set[str]:
    return set(_LINK.findall(narrative))


def _unversioned(reference: str, urls: set[str]) -> tuple[str, str]:
    """A reference to a version of another entry's resource in two parts; any other as it is."""
    text, _, version = reference.partition(_OF_VERSION)
    return (text, _OF_VERSION + version) if version and text in urls else (reference, "")


def _absolute(reference: str, root: str, urls: set[str]) -> str:
    is_near = bool(root) and f"{root}{reference.partition(_OF_VERSION)[0]}" in urls and _RELATIVE.match(reference)
    return f"{root}{reference}" if is_near else reference


def _read_write(place: int, entry: dict[str, Any], request: dict[str, Any], full_url: str, base: str) -> Entry:
    where = f"Bundle.entry[{place}]"
    method, url = request.get("method"), request.get("url")
    match = _URL.fullmatch(url.removeprefix(f"{base}/").removeprefix("/")) if isinstance(url, str) else None
    if method not in _WRITES or match is None or match[1] not in fhir.TYPE_NUMBER:
        raise fault(f"{where}.request", "must be GET, POST Type, or PUT, PATCH or DELETE of Type/id or Type?condition.")
    rtype, id_, question = match[1], match[2] or "", match[3] or ""
    if (method == "POST") != (not id_ and not question) or (id_ and question):
        raise fault(f"{where}.request.url", "does not fit its method.")
    resource = _resource(where, method, rtype, entry.get("resource"))
    if method == "PUT":
        id_ = _id_to_put(where, id_, question, resource)
    if method == "POST":
        question = _condition(where, request)
    if_match = _if_match(request.get("ifMatch"), where)
    with faults_at(f"{where}.resource"):
        patch, near = patch_in(resource) if method == "PATCH" and resource else (None, resource)
    return Entry(place, method, rtype, id_, question, full_url, if_match, resource, request, patch, near)


def _is_asking(request: dict[str, Any]) -> bool:
    """Whether an entry reads, or calls an operation; which of these may stand in a bundle, its edge says."""
    method, url = request.get("method"), request.get("url")
    if not isinstance(url, str):
        return False
    return method in ("GET", "HEAD") or (method == "POST" and is_operation(url))


def is_operation(url: str) -> bool:
    """Whether an address is that of an operation: `Patient/$match`."""
    return url.partition("?")[0].rpartition("/")[2].startswith("$")


def _sent(where: str, resource: Any, request: dict[str, Any]) -> dict[str, Any] | None:
    if resource is not None and not isinstance(resource, dict):
        raise fault(f"{where}.resource", "must be a resource.")
    if request.get("ifNoneExist") is not None:
        raise fault(f"{where}.request.ifNoneExist", "is for what is created.")
    return resource


def _resource(where: str, method: str, rtype: str, resource: Any) -> dict[str, Any] | None:
    if method == "DELETE":
        return None
    fits = ("Binary", "Parameters") if method == "PATCH" else (rtype,)
    if not isinstance(resource, dict) or resource.get("resourceType") not in fits:
        raise fault(f"{where}.resource", f"must be a {' or '.join(fits)}.")
    if method == "POST":
        resource.pop("id", None)
    return resource


def _id_to_put(where: str, id: str, question: str, resource: dict[str, Any] | None) -> str:
    sent = (resource or {}).get("id")
    if sent is not None and not isinstance(sent, str):
        raise fault(f"{where}.resource.id", "must be a text.")
    if question:
        return sent or ""
    if sent != id:
        raise fault(f"{where}.resource.id", "must be the id in the request's url.")
    return id


def _condition(where: str, request: dict[str, Any]) -> str:
    condition = request.get("ifNoneExist", "")
    if not isinstance(condition, str):
        raise fault(f"{where}.request.ifNoneExist", "must be a text.")
    return condition


def _if_match(value: Any, where: str) -> int:
    match = _ETAG.fullmatch(value) if isinstance(value, str) else None
    if value is not None and match is None:
        raise fault(f"{where}.request.ifMatch", "must be an ETag.")
    return int(match[1]) if match else -1
