"""Requests as bytes, each on a connection of its own, and answers in time."""

import http.client
import re
import socket
from dataclasses import dataclass
from typing import Any

from fellesjournal import fhir

LIMIT_S = 30
"""Longer than a statement of the database may take, on a machine that does other things too."""
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sent:
    """One request, as it goes over the wire; `reader` is the name of a session."""

    method: str
    url: str
    headers: Pairs = ()
    body: bytes = b""
    reader: str = "nobody"

    @property
    def is_fhir(self) -> bool:
        """Below `/fhir`, where errors are OperationOutcomes."""
        return re.match(r"/fhir(?:[/?#]|$)", self.url) is not None


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    kind: str
    body: bytes


def send(place: tuple[str, int], sent: Sent, session: Pairs) -> Answer:
    """Send it with the headers of its reader's session. Raises TimeoutError when no answer is whole in time."""
    length = [("Content-Length", str(len(sent.body)))] if sent.body or sent.method not in ("GET", "HEAD") else []
    pairs = [("Host", f"{place[0]}:{place[1]}"), ("Connection", "close"), *length, *session, *sent.headers]
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    start = f"{sent.method} {sent.url} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    with socket.create_connection(place, timeout=LIMIT_S) as connection:
        connection.sendall(start + sent.body)
        return _hear(connection, sent.method)


def send_bytes(place: tuple[str, int], data: bytes) -> Answer:
    """Send what need not be a request, and nothing after it; status 0 when no answer came."""
    with socket.create_connection(place, timeout=LIMIT_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return _hear(connection, "GET")
        except (http.client.BadStatusLine, ConnectionError):
            return Answer(0, "", b"")


def spoken(answer: Answer) -> dict[str, Any]:
    """The OperationOutcome of a refusal, from the format that it came in. Raises what parsing raises."""
    return fhir.read_xml(answer.body) if "xml" in answer.kind else fhir.parse(answer.body)


def _hear(connection: socket.socket, method: str) -> Answer:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return Answer(response.status, response.headers.get("content-type", ""), response.read())
