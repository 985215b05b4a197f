"""Requests to addresses that others have named: none may lead to where only we can reach.

Without the operator's leave an address is https at a public host, and the host is looked up once: what was looked at
is what is connected to. A host that the operator allows may be anywhere, over http too.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

_MAX_LENGTH = 2000
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefused(ValueError):
    """An address that we do not send to; the text says why, without quoting it."""


class NotTold(Exception):
    """The other side was not reached, did not answer in time, or is where we do not send; `code` is a word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_address(url: str, *, allowed: Sequence[str] = ()) -> None:
    """Refuse what may not be sent to, as far as its text tells. `allowed`: hosts, or host:port.

    Raises AddressRefused.
    """
    parts = _parts(url)
    if _is_allowed(parts, allowed):
        return
    if parts.scheme != "https":
        raise AddressRefused("https is needed, unless the operator has allowed the host")
    host = parts.hostname or ""
    try:
        is_outside = _is_public(ipaddress.ip_address(host))
    except ValueError:
        # A name; where it leads is looked at when it is sent to.
        is_outside = "." in host
    if not is_outside:
        raise AddressRefused("the operator has not allowed this host")


class Outbound:
    """Sends to addresses that others have named; one for a process. Close it."""

    def __init__(self, *, allowed: Sequence[str] = (), resolve: Resolve | None = None, verify: Any = True) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve or _resolved
        self._client = httpx.AsyncClient(
            follow_redirects=False, trust_env=False, verify=verify, limits=httpx.Limits(max_connections=50),
            headers={"User-Agent": "Fellesjournal"},
        )  # fmt: skip

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes, timeout_s: float) -> int:
        """Post, and the status of the answer; its body is not read. Raises NotTold."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(url, headers, content, timeout_s)
        except (AddressRefused, UnicodeError, httpx.InvalidURL):
            raise NotTold("address-refused") from None
        except (TimeoutError, httpx.TimeoutException):
            raise NotTold("no-answer-in-time") from None
        except (httpx.HTTPError, OSError) as error:
            raise NotTold(f"not-reached-{type(error).__name__}") from None
        finally:
            self._client.cookies.clear()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _post(self, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float) -> int:
        check_address(url, allowed=self._allowed)
        parts = _parts(url)
        extensions, target, sent = {}, httpx.URL(url), dict(headers)
        if not _is_allowed(parts, self._allowed):
            host = parts.hostname or ""
            target = target.copy_with(host=await self._public_address(host, parts.port or 443))
            sent["Host"] = parts.netloc
            extensions = {"sni_hostname": host}
        request = self._client.build_request(
            "POST", target, headers=sent, content=content, timeout=timeout_s, extensions=extensions
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code

    async def _public_address(self, host: str, port: int) -> str:
        found = await self._resolve(host, port)
        if not found or not all(_is_public(ipaddress.ip_address(one)) for one in found):
            raise AddressRefused("the host is not public")
        return found[0]


def _parts(url: str) -> SplitResult:
    if not url or len(url) > _MAX_LENGTH or not url.isascii() or any(char <= " " for char in url):
        raise AddressRefused("an absolute http address is needed")
    try:
        parts = urlsplit(url)
        has_host, _ = bool(parts.hostname), parts.port
    except ValueError:
        raise AddressRefused("an absolute http address is needed") from None
    if parts.scheme not in ("http", "https") or not has_host:
        raise AddressRefused("an absolute http address is needed")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("no user, password or fragment may stand in it")
    return parts


def _is_allowed(parts: SplitResult, allowed: Sequence[str]) -> bool:
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    named = f"[{host}]" if ":" in host else host
    return any(one.lower() in (host, named, f"{named}:{port}") for one in allowed)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return (mapped or address).is_global and not address.is_multicast


async def _resolved(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]
