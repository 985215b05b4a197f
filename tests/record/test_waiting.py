"""Calls that wait are taken together, and one that fails takes no other with it."""

import asyncio

import pytest

from fellesjournal.kit.db import DbError
from fellesjournal.record.waiting import Waiting


async def doubled(items: list[int], calls: list[list[int]]) -> list[int]:
    calls.append(items)
    await asyncio.sleep(0)
    if 13 in items:
        raise DbError("unlucky")
    return [2 * item for item in items]


def waiting(calls: list[list[int]], *, batch: int = 8, patience: int = 100, width: int = 2) -> Waiting[int, int]:
    return Waiting(lambda items: doubled(items, calls), batch=batch, patience=patience, width=width)


async def test_a_lone_call_goes_at_once_and_those_that_come_meanwhile_go_together() -> None:
    calls: list[list[int]] = []
    queue = waiting(calls)
    first = queue.ask(1)
    await asyncio.sleep(0)
    assert calls == [[1]]
    rest = [queue.ask(n) for n in (2, 3, 4)]
    assert [await answer for answer in (first, *rest)] == [2, 4, 6, 8]
    assert calls == [[1], [2, 3, 4]]


async def test_no_call_takes_more_than_a_batch() -> None:
    calls: list[list[int]] = []
    queue = waiting(calls, batch=2)
    assert await asyncio.gather(*(queue.ask(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert max(map(len, calls)) == 2


async def test_one_that_fails_is_told_alone_and_the_others_are_answered() -> None:
    calls: list[list[int]] = []
    queue = waiting(calls)
    answers = await asyncio.gather(*(queue.ask(n) for n in (1, 13, 3)), return_exceptions=True)
    assert (answers[0], answers[2]) == (2, 6)
    assert isinstance(answers[1], DbError)


async def test_when_many_wait_a_second_call_runs_beside_the_first() -> None:
    running, most = 0, 0

    async def slow(items: list[int]) -> list[int]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return items

    queue: Waiting[int, int] = Waiting(slow, batch=4, patience=2, width=2)
    await asyncio.gather(*(queue.ask(n) for n in range(20)))
    assert most == 2


async def test_of_many_that_wait_each_call_takes_half_so_that_one_is_answered_while_the_other_runs() -> None:
    calls: list[list[int]] = []
    queue = waiting(calls, batch=64, patience=8)
    await asyncio.gather(*(queue.ask(n) for n in range(20, 36)))
    assert list(map(len, calls)) == [8, 8]
    calls.clear()
    await asyncio.gather(*(queue.ask(n) for n in range(20, 60)))
    assert list(map(len, calls))[:2] == [20, 10]


async def test_a_question_that_nobody_waits_for_any_more_stops_no_other() -> None:
    calls: list[list[int]] = []
    queue = waiting(calls)
    gone, stays = queue.ask(1), queue.ask(2)
    gone.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
