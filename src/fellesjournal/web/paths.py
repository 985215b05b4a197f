"""Which addresses are meant."""

from collections.abc import Callable


def below(*tops: str) -> Callable[[str], bool]:
    """Whether a path is one of these or lies below one."""
    exact, starts = frozenset(tops), tuple(f"{top}/" for top in tops)

    def is_below(path: str) -> bool:
        return path in exact or path.startswith(starts)

    return is_below
