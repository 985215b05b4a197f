"""Files that are sent as multipart/form-data (RFC 7578), read as they come; nothing is kept but what has just come."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from fellesjournal.record.errors import Malformed

_NAME: Final = 200


@dataclass
class _Seen:
    """What the parser has met since it was last asked."""

    events: list[tuple[str, bytes]] = field(default_factory=list)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    def begin(self) -> None:
        self.headers = {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self.name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def header_end(self) -> None:
        self.headers[bytes(self.name).lower()] = bytes(self.value)
        self.name, self.value = bytearray(), bytearray()

    def headers_finished(self) -> None:
        _, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        self.events.append(("file", options.get(b"filename") or options.get(b"name") or b""))

    def data(self, data: bytes, start: int, end: int) -> None:
        self.events.append(("data", data[start:end]))

    def finish(self) -> None:
        self.events.append(("end", b""))

    def end(self) -> None:
        self.is_whole = True

    def taken(self) -> list[tuple[str, bytes]]:
        events, self.events = self.events, []
        return events


class Files:
    """The files of a request, one after the other: `async for name, parts in Files(request)`, each read to its end."""

    def __init__(self, request: Request) -> None:
        _, options = parse_options_header(request.headers.get("content-type", "").encode("latin-1"))
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise Malformed("A multipart body names its boundary.")
        self._seen = _Seen()
        seen = self._seen
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": seen.begin, "on_header_field": seen.header_name, "on_header_value": seen.header_value,
                "on_header_end": seen.header_end, "on_headers_finished": seen.headers_finished,
                "on_part_data": seen.data, "on_part_end": seen.finish, "on_end": seen.end,
            },
        )  # fmt: skip
        self._events = self._read(request)

    async def __aiter__(self) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
        async for kind, data in self._events:
            if kind == "file":
                yield data.decode("utf-8", "replace")[:_NAME], self._content()
        if not self._seen.is_whole:
            raise Malformed("The multipart body broke off.")

    async def _content(self) -> AsyncIterator[bytes]:
        async for kind, data in self._events:
            if kind == "end":
                return
            yield data
        raise Malformed("The multipart body broke off.")

    async def _read(self, request: Request) -> AsyncIterator[tuple[str, bytes]]:
        try:
            async for part in request.stream():
                self._parser.write(part)
                for event in self._seen.taken():
                    yield event
        except MultipartParseError:
            # Headers that are too many or too large, too.
            raise Malformed("The multipart body can't be read.") from None
