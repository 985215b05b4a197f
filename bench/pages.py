"""Open a chart: time on the server, and what the first visit weighs."""

import gzip
import http.client
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from bench.site import GP, Site
from fellesjournal.kit.ids import encode

_LINKED = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_INNER = re.compile(r"""(?:url\(|from\s*|import\s*)["']?([./][^"')\s]+)""")


@dataclass(frozen=True)
class Heavy:
    """The GP's patient with the most in the chart."""

    patient: str
    resources: int


async def heaviest(site: Site) -> Heavy:
    """The demo person on the GP's list with the most resources."""
    async with site.admin() as admin:
        row = await admin.fetchrow(
            "SELECT r.patient, max(r.slot) AS slot, count(*) AS n FROM vault.resource r WHERE r.patient IN ("
            " SELECT l.patient FROM access.relation l JOIN identity.post o ON o.unit = l.unit"
            " JOIN identity.person p ON p.id = o.person WHERE p.name = $1 AND l.ground = 'FASTLEGE')"
            " GROUP BY r.patient ORDER BY n DESC LIMIT 1", GP,
        )  # fmt: skip
    return Heavy(encode(row["slot"], row["patient"]), row["n"])


def first_visit(port: int, path: str, *, token: str) -> tuple[int, dict[str, int]]:
    """(bytes on the wire of the page and all that it loads, the same by address), with gzip. Raises RuntimeError."""
    sizes: dict[str, int] = {}
    waiting = [path]
    for address in waiting:
        if address in sizes:
            continue
        sizes[address], text = _fetch(port, address, token)
        found = _LINKED.findall(text) if address == path else _inner(address, text)
        waiting += [one for one in found if one not in sizes]
    return sum(sizes.values()), sizes


def _inner(address: str, text: str) -> list[str]:
    """What a style sheet or a module loads in its turn; `data:` and the like are no addresses."""
    if not address.endswith((".css", ".js")):
        return []
    linked = [one for one in _INNER.findall(text) if ":" not in one and not one.startswith("//")]
    return [urljoin(address, one) for one in linked]


def _fetch(port: int, path: str, token: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Cookie": f"fellesjournal={token}"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"a part of the page answered {answer.status}")
    plain = gzip.decompress(body) if answer.headers.get("content-encoding") == "gzip" else body
    return len(body), plain.decode(errors="replace")
