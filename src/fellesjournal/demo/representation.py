"""Who may act for whom in the demo: parents as Folkeregisteret would tell, a guardian, a fullmakt."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fellesjournal.demo import story
from fellesjournal.demo.keys import Keyring
from fellesjournal.demo.model import Person
from fellesjournal.identity.numbers import number_hash
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys

_GUARDIANS = ((story.WARD, story.DIABETIC),)
_PROXIES = ((story.ELDERLY, story.DAUGHTER, ("TIMER", "LEGEMIDLER")),)
_KIN = ((story.ELDERLY, story.DAUGHTER, "datter", "TILSTAND"), (story.DIABETIC, story.WARD, "bror", "KONTAKT"))
"""Next of kin whom people chose, and what they may be told."""
_SOURCE = "Folkeregisteret (demo)"


async def put_representation(
    db: Database, *, people: Sequence[Person], keys: Keys, keyring: Keyring
) -> None:
    """Tell access of every living parent, the story's guardian and fullmakt, and next of kin; the same once."""
    by_key = {person.key: person for person in people}

    def hash_of(key: str) -> bytes | None:
        number = by_key[key].national_id if key in by_key else None
        return number_hash(keys, number) if number else None

    rows = [
        (keyring.pid(child.key), hashed, "mor" if by_key[parent].sex == "female" else "far",
         by_key[parent].household == child.household)
        for child in people if not child.deceased_on
        for parent in child.parents if (hashed := hash_of(parent)) and not by_key[parent].deceased_on
    ]  # fmt: skip
    await db.execute(
        "SELECT access.put_parenthood(c, p, r, true, a, $5) "
        "FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::boolean[]) AS q (c, p, r, a)",
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], [row[3] for row in rows], _SOURCE,
    )  # fmt: skip
    for ward, guardian in _GUARDIANS:
        await db.execute(
            "SELECT access.put_guardianship($1, $2, 'PERSONLIG', false, NULL, $3)",
            keyring.pid(ward), hash_of(guardian), "Vergemålsregisteret (demo)",
        )  # fmt: skip
    for patient, kin, relation, share in _KIN:
        await db.execute(
            "SELECT access.put_chosen_kin($1, $2, $3, $4)", keyring.pid(patient), by_key[kin].name, relation, share
        )
    until = datetime.now(UTC) + timedelta(days=730)
    for giver, receiver, areas in _PROXIES:
        await db.execute(
            "SELECT access.put_proxy($1, $2, $3, true, $4, $5)",
            keyring.pid(giver), hash_of(receiver), list(areas), until, "Gitt av innbyggeren (demo)",
        )  # fmt: skip
