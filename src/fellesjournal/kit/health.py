"""Named checks of the parts that must work: `/health/live` asks the process, `/health/ready` asks all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fellesjournal.kit.log import get_logger

Check = Callable[[], Awaitable[None]]
_log = get_logger("kit.health")


@dataclass(frozen=True)
class Report:
    """What the checks found: each part with `ok`, `failed` or `too slow`; never why, which stands in the log."""

    parts: dict[str, str]

    @property
    def is_ready(self) -> bool:
        """Whether every part works; not before there are parts at all."""
        return bool(self.parts) and all(state == "ok" for state in self.parts.values())

    @property
    def failing(self) -> list[str]:
        """Names of the parts that don't work."""
        return [name for name, state in self.parts.items() if state != "ok"]


class Health:
    """The checks of one process, by name."""

    def __init__(self, *, timeout_s: float = 3.0) -> None:
        self._checks: dict[str, Check] = {}
        self._timeout_s = timeout_s

    def register(self, name: str, check: Check) -> None:
        """Add a check: it returns when the part works, and raises when it doesn't.

        Raises ValueError for a name twice.
        """
        if name in self._checks:
            raise ValueError(f"there is a check named {name} already")
        self._checks[name] = check

    async def report(self) -> Report:
        """Ask all parts at once, none longer than the time allowed."""
        names = list(self._checks)
        states = await asyncio.gather(*(self._state(name) for name in names))
        return Report(dict(zip(names, states, strict=True)))

    async def _state(self, name: str) -> str:
        try:
            await asyncio.wait_for(self._checks[name](), self._timeout_s)
        except TimeoutError:
            return "too slow"
        except Exception as error:  # noqa: BLE001 any failure of a part is an answer here, and it is logged
            _log.warning("health check failed", part=name, exc_info=error)
            return "failed"
        return "ok"
