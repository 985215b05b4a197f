"""Finding an interaction among many by the shape of its address."""

from collections import defaultdict
from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Receive, Scope, Send


class ByShape(Router):
    """Tries only the routes with as many parts as the address, with a `$name` among them or without, in their order.

    Trying every route with its regular expression cost a fifth of a search's time in the web process. The handler is
    called here, without the layers that Starlette lays around each route: what they do, the application does for all.
    """

    def __init__(self, routes: Sequence[Route], *, otherwise: BaseRoute) -> None:
        """`otherwise` takes what none of the routes does."""
        super().__init__([*routes, otherwise])
        self._alike = defaultdict[tuple[int, bool], list[Route]](list)
        for route in routes:
            self._alike[_shape(route.path)].append(route)
        self._otherwise = Router([otherwise])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on to the first route that takes the address, which may end with a slash (FHIR http, service base)."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.endswith("/") and path != "/":
            path = path[:-1]
            scope["path"] = scope["path"][:-1]
        for route in self._alike.get(_shape(path), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                response = await route.endpoint(Request(scope, receive, send))
                await response(scope, receive, send)
                return
        await self._otherwise(scope, receive, send)


def _shape(path: str) -> tuple[int, bool]:
    return path.count("/"), "/$" in path
