"""Where a database is and as whom to speak with it; the password never shows in a repr."""

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit


@dataclass(frozen=True, kw_only=True)
class Dsn:
    """One database as one role. `host` may be a folder (unix socket) or several hosts with commas between."""

    host: str
    port: int | str
    user: str
    password: str = field(repr=False)
    database: str
    options: tuple[tuple[str, str], ...] = ()

    def as_role(self, *, user: str, password: str) -> "Dsn":
        """The same database as another role."""
        return replace(self, user=user, password=password)

    def to(self, database: str) -> "Dsn":
        """Another database of the same server, as the same role."""
        return replace(self, database=database)

    def url(self) -> str:
        """As a URL without the password, for drivers and programs that take the password apart from it."""
        query: dict[str, Any] = dict(self.options) | {"host": self.host, "port": self.port}
        return f"postgresql://{quote(self.user, safe='')}@/{quote(self.database, safe='')}?{urlencode(query)}"

    def libpq_environment(self) -> dict[str, str]:
        """What PostgreSQL's own programs read from the environment."""
        return {"PGPASSWORD": self.password}


def parse_dsn(url: str) -> Dsn:
    """A Dsn from `postgresql://user:password@host:port/name?option=value`.

    Raises ValueError without the URL in it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("a database URL starts with postgresql://")
    account, _, places = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    query = dict(parse_qsl(parts.query))
    hosts, ports = _split_places(places)
    return Dsn(
        host=query.pop("host", "") or hosts or "localhost",
        port=query.pop("port", "") or ports or 5432,
        user=unquote(user) or query.pop("user", "postgres"),
        password=unquote(password) or query.pop("password", ""),
        database=unquote(parts.path.lstrip("/")) or "postgres",
        options=tuple(query.items()),
    )


def _split_places(places: str) -> tuple[str, str]:
    if not places:
        return "", ""
    split = [_split_place(place) for place in places.split(",")]
    return ",".join(host for host, _ in split), ",".join(port for _, port in split)


def _split_place(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        return place.strip("[]"), "5432"
    return host.strip("[]"), port or "5432"
