"""What waits for the reviewers of a fresh demo: made by people who sign in, and judged like everything else."""

from __future__ import annotations

import asyncio
from datetime import datetime

from fellesjournal.demo.load import load_first, open_loader
from fellesjournal.demo.reviews import put_reviews
from fellesjournal.kit.clock import OSLO
from tests.clinical.review.test_pages import REVIEWER, post
from tests.site import DIABETIC, GP, Site


def test_a_reviewer_finds_a_question_and_an_emergency_use_once_and_judges_them(demo_site: Site) -> None:
    async def play() -> None:
        today = datetime.now(OSLO).date()
        async with open_loader(demo_site.settings, demo_site.keys, today=today, progress=lambda *_: None) as loader:
            await load_first(loader)
            await put_reviews(demo_site.settings, loader)
            await put_reviews(demo_site.settings, loader)

    asyncio.run(play())
    asked = "SELECT min(id), count(*) FROM access.review WHERE kind = $1"
    tasks = {kind: demo_site.row(asked, kind) for kind in ("QUESTION", "EMERGENCY")}
    assert [row[1] for row in tasks.values()] == [1, 1]
    # The day may be read again when it is over.
    assert demo_site.row("SELECT count(*) FROM access.analysed_day")[0] == 1
    with demo_site.client(REVIEWER) as reviewer:
        question = reviewer.get(f"/kontroll/{tasks['QUESTION'][0]}").text
        assert GP in question
        assert DIABETIC in question
        assert "Hva gjaldt det?" in question
        used = reviewer.get(f"/kontroll/{tasks['EMERGENCY'][0]}").text
        assert "Funnet bevisstløs" in used
        assert "Blålys" in used
        done = post(reviewer, f"/kontroll/{tasks['EMERGENCY'][0]}", vurdering="OK")
        assert "Vurderingen er lagret." in done.text
    with demo_site.client(DIABETIC) as citizen:
        assert "Hva gjaldt det?" in citizen.get("/min-journal/innsyn/spoersmaal").text
