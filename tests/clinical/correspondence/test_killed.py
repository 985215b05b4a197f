"""`kill -9` of the worker in the middle of its work loses no note and doubles none."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.site import LEGEVAKT_NURSE, TONIGHT
from tests.town import Town, birth_date, sign_contact, tasks_about

NOTES = 12
PROGRAM = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from fellesjournal.clinical.correspondence.worker import run
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
data = Path(sys.argv[1])
settings = replace(Settings(), data_dir=data, database_name=sys.argv[2])
asyncio.run(run(settings, open_keys(data), asyncio.Event()))
"""


def start_worker(town: Town) -> subprocess.Popen[bytes]:
    settings = town.settings
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(settings.data_dir), settings.database_name], env=environment
    )


async def carried(town: Town, notes: list[str]) -> int:
    return sum([len(await tasks_about(town, note)) for note in notes])


async def test_a_killed_worker_loses_no_note_and_doubles_none(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    born = await birth_date(town, patient)
    notes: list[str] = []
    workers = [start_worker(town)]
    try:
        async with town.acting(LEGEVAKT_NURSE) as (vault, nurse):
            for number in range(NOTES):
                notes.append(
                    await sign_contact(
                        vault, nurse, patient, born=born, name=TONIGHT, text=f"Notat {number}."
                    )
                )
                if number % 4 == 3:
                    workers[-1].send_signal(signal.SIGKILL)
                    workers[-1].wait()
                    workers.append(start_worker(town))
        for _ in range(200):
            if await carried(town, notes) >= NOTES:
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.6)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [len(await tasks_about(town, note)) for note in notes] == [1] * NOTES
