"""What a site offers a reader: the forms on its pages, as a browser would send them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

MOST_PAGES = 40


@dataclass
class Form:
    """A form as it stands on a page: where it leads, and its fields with the values they have."""

    method: str
    url: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def kind(self) -> tuple[str, ...]:
        """Equal for forms that ask for the same things."""
        return (self.method, *sorted({name for name, _ in self.fields}))


def crawl(client: httpx.Client, start: list[str]) -> list[Form]:
    """One form of each kind on the pages that can be reached by links, from those to start with."""
    waiting, seen, forms = list(start), set(start), {}
    for _ in range(MOST_PAGES):
        if not waiting:
            break
        url = waiting.pop(0)
        page = _Page(url)
        page.feed(client.get(url).text)
        forms.update({form.kind: form for form in page.forms if form.fields})
        fresh = [link for link in page.links if link not in seen]
        seen.update(fresh)
        waiting += fresh
    return list(forms.values())


class _Page(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._form: Form | None = None
        self.forms: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(told.get("method", "get").upper(), urljoin(self._url, told.get("action", self._url)))
            self.forms.append(self._form)
        elif tag in ("input", "select", "textarea", "button") and self._form and told.get("name"):
            self._form.fields.append((told["name"], told.get("value", "")))
        elif tag == "option" and self._form and self._form.fields and told.get("value"):
            self._form.fields[-1] = (self._form.fields[-1][0], told["value"])
        elif tag == "a":
            self.links += _local(urljoin(self._url, told.get("href", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def _local(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if not parts.netloc and parts.path.startswith("/"):
        yield parts.path + (f"?{parts.query}" if parts.query else "")
