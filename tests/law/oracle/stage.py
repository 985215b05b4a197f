"""The oracle at work: the world in a database, the application over it, and so many questions held against the law."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fellesjournal.kit.db import Database
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.law.oracle.caller import Caller, Together, opened
from tests.law.oracle.facts import Reader
from tests.law.oracle.judge import Judge, Leak
from tests.law.oracle.questions import KINDS, Asker, Kind, Question
from tests.law.oracle.world import OracleWorld

CASES: Final = "FELLESJOURNAL_ORACLE_CASES"
SEED: Final = "FELLESJOURNAL_ORACLE_SEED"
AT_ONCE: Final = 3
"""Rounds of questions under way."""


def cases() -> int:
    """How many questions are asked: ten thousand, or as many as the command says."""
    return int(os.environ.get(CASES, examples(10_000)))


@dataclass
class Stage:
    """The world, the application, and who judges."""

    world: OracleWorld
    caller: Caller
    judge: Judge
    test: TestDatabase

    @property
    def admin(self) -> Database:
        """The administrator's pool."""
        return self.world.admin

    async def hold(self, count: int, *, seed: int, kinds: dict[Kind, int] | None = None,
                   readers: list[Reader] | None = None) -> Counter[str]:  # fmt: skip
        """Ask so many questions; how many of each kind. Raises Leak at the first answer that isn't right."""
        asker = Asker(self.world, seed, kinds=kinds or KINDS, readers=readers)
        held = Counter[str]()
        async with asyncio.TaskGroup() as group:
            rounds = asker.rounds(count)
            for _ in range(AT_ONCE):
                group.create_task(self._hold_rounds(rounds, held))
        return held

    async def _hold_rounds(self, rounds: Iterator[tuple[list[Question], bool]], held: Counter[str]) -> None:
        for questions, is_batch in rounds:
            if questions[0].kind == "list" and not is_batch:
                # One after the other, for each of them finds the plan of the one before in its connection.
                for question in questions:
                    await self.judge.hold(question)
            else:
                await self._hold_at_once(questions, Together(self.caller, len(questions)) if is_batch else None)
            held.update(question.kind for question in questions)
            held["in a batch"] += len(questions) * is_batch

    async def _hold_at_once(self, questions: list[Question], batch: Together | None) -> None:
        judge = self.judge.through(batch) if batch else self.judge

        async def hold(question: Question) -> None:
            try:
                await judge.hold(question)
            finally:
                if batch:
                    batch.leave(question.reader)

        async with asyncio.TaskGroup() as group:
            for question in questions:
                group.create_task(hold(question))

    async def leak(self, count: int, **how: object) -> str:
        """The first leak among so many questions, in words; '' when there is none."""
        found: list[str] = []
        try:
            await self.hold(count, **how)  # type: ignore[arg-type]
        except* Leak as leaks:
            found += map(str, leaks.exceptions)
        return (found or [""])[0]


@asynccontextmanager
async def staged(database: TestDatabase) -> AsyncGenerator[Stage, None]:
    """Everything, ready to be asked."""
    async with await database.connect_admin() as admin, await database.connect("fj_web") as web:
        world = OracleWorld(database, admin, web)
        await world.prepare()
        await world.fill()
        async with opened(database) as caller:
            yield Stage(world, caller, Judge(world, caller), database)
