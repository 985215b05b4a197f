"""Sentences that several checks say."""

from __future__ import annotations


def too_few(least: int, count: int) -> str:
    """Say, after an element's name, that it is missing."""
    if least == 1:
        return "must be given"
    given = "is not given" if count == 0 else f"is given {'once' if count == 1 else f'{count} times'}"
    return f"must be given at least {least} times, and {given}"


def too_many(most: int, count: int) -> str:
    """Say, after an element's name, that it is given too often."""
    if most == 0:
        return "must not be given"
    return f"must be given at most {'once' if most == 1 else f'{most} times'}, not {count} times"
