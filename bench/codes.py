"""Search as you type over a large code system: what `$expand` with a filter costs in the process, key by key."""

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.site import Site
from fellesjournal import packages, terminology
from fellesjournal.kit import db
from fellesjournal.terminology import Ask, Terminology, expand

CODES = 40_000
SYSTEM = "urn:oid:2.16.578.1.12.4.1.1.9999"
_SHOWN = 20
_TYPED = 12
_WORDS = (
    "akutt", "kronisk", "uspesifisert", "annen", "sykdom", "i", "i", "i", "og", "og", "med", "ved", "etter",
    "betennelse", "svulst", "smerte", "brudd", "skade", "sår", "infeksjon", "hjerte", "lunge", "lever", "nyre", "hud",
    "øye", "øre", "nese", "hals", "mage", "tarm", "rygg", "kne", "hofte", "skulder", "arm", "hånd", "fot", "blod",
    "kar", "nerve", "muskel", "ledd", "bein", "tann", "astma", "diabetes", "migrene", "eksem", "allergi",
    "forgiftning", "blødning", "komplikasjon", "følgetilstand", "medfødt", "ondartet", "godartet", "venstre", "høyre",
    "øvre", "nedre", "bakre", "fremre", "ytre", "indre", "åpen", "lukket", "delvis", "fullstendig",
)  # fmt: skip


@dataclass(frozen=True)
class Times:
    """Milliseconds at one key: the median and the 95th of a hundred; `answers` were timed."""

    p50: float
    p95: float
    answers: int


async def typed(site: Site, *, rounds: int) -> Times:
    """Type the beginnings of codes and of texts, one key after another, and time each answer of 20 codes."""
    await _install(site)
    random.seed(7)
    async with await db.Database.connect(site.settings, site.keys, "fj_web", max_size=2) as web:
        here = Terminology(web, library=packages.Library(web))
        value_set = await here.resolved(f"{SYSTEM}?fhir_vs")
        taken = list[float]()
        for _ in range(rounds):
            for text in _keys(random.randrange(CODES)):
                began = time.perf_counter()
                await expand(value_set, Ask(filter=text, count=_SHOWN, languages=("nb",)))
                taken.append((time.perf_counter() - began) * 1000)
    return Times(statistics.median(taken), statistics.quantiles(taken, n=20)[18], len(taken))


async def _install(site: Site) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "codes"
        place.mkdir()
        (place / "codes.json").write_bytes(msgspec.json.encode(_system()))
        made = packages.read_package(place, name="bench.codes", version="1")
    async with await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as operator:
        await packages.install(operator, made, who="bench", then=[terminology.on_install])


def _system() -> dict[str, object]:
    return {
        "resourceType": "CodeSystem", "id": "codes", "url": SYSTEM, "version": "1", "status": "active",
        "content": "complete", "language": "nb", "caseSensitive": True,
        "concept": [{"code": _code(n), "display": _text(n)} for n in range(CODES)],
    }  # fmt: skip


def _code(n: int) -> str:
    """As ICD-10 writes them: `A00.0`."""
    letter, rest = divmod(n, 2_000)
    return f"{chr(ord('A') + letter)}{rest // 20:02}.{rest % 20}"


def _text(n: int) -> str:
    chosen = random.Random(n).choices(_WORDS, k=3 + n % 5)
    return " ".join(chosen).capitalize()


def _keys(n: int) -> Iterator[str]:
    """What stands in the field after each key: a code, the beginning of a text, or two of its words."""
    words = _text(n).lower().split()
    for whole in (_code(n).replace(".", ""), " ".join(words), f"{words[-1]} {words[0]}"):
        yield from (whole[:end] for end in range(1, min(len(whole), _TYPED) + 1) if whole[end - 1] != " ")
