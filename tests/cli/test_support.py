"""An operator opens one record for support, for one ticket, and closes it again."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

from fellesjournal.kit import db, ids
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import load_settings
from tests.cli.conftest import Cli

NAME, TICKET = "Siri Brukerhjelp", "SAK-17"
REASON = ("--reason", "Bruker får ikke signert notatet sitt")
BY = ("--by", "Olga Operatør")
STAFF = (
    "INSERT INTO identity.post (person, unit, role)"
    " SELECT identity.put_person('human', 'siri', $1, NULL, NULL, NULL, NULL), u.id, 'brukerstotte'"
    " FROM identity.unit u WHERE u.kind = 'gp' LIMIT 1"
)
LIVE = (
    "SELECT c.ticket, c.until_at, r.kind, r.evidence ->> 'operator' AS operator, l.action, l.ground"
    " FROM access.choice c JOIN access.review r ON r.ref = c.id AND r.kind = 'SUPPORT'"
    " JOIN access.log l ON l.event = c.event WHERE c.ticket = $1"
)


def test_support_is_opened_listed_and_closed_by_a_named_operator(cli: Cli) -> None:
    cli.ensure_up()
    settings, keys = load_settings(environ={"FELLESJOURNAL_DATA": str(cli.data)}), open_keys(cli.data)

    async def ask(query: str, *values: object) -> list[db.Row]:
        connection = await db.connect(db.admin_dsn(settings, keys))
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    asyncio.run(ask(STAFF, NAME))
    (person,) = asyncio.run(ask("SELECT patient, patient_slot FROM identity.person WHERE patient IS NOT NULL LIMIT 1"))
    patient = ids.encode(person["patient_slot"], person["patient"])

    for name, record, extra, word in (
        ("Ingen Her", patient, (*REASON, *BY), "no member of support"), (NAME, "x", (*REASON, *BY), "no such record"),
        (NAME, patient, ("--reason", "kort", *BY), "ten letters"),
        (NAME, patient, (*REASON, "--by", NAME.upper()), "themselves"),
    ):  # fmt: skip
        refused = cli.run("support", "open", name, record, "--ticket", TICKET, *extra)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert word in refused.stderr
    opened = cli.run("support", "open", NAME, patient, "--ticket", TICKET, *REASON, *BY, "--minutes", "30")
    assert opened.returncode == 0, opened.stderr
    assert re.search(rf"{TICKET}  {NAME}  {patient}  until ", cli.run("support", "list").stdout)
    (live,) = asyncio.run(ask(LIVE, TICKET))
    assert (live["kind"], live["operator"], live["action"], live["ground"]) == ("SUPPORT", BY[1], "choose", "SUPPORT")
    assert timedelta(minutes=28) < live["until_at"] - datetime.now(UTC) <= timedelta(minutes=30)
    assert cli.run("support", "close", TICKET, *BY).stdout == f"{TICKET}: 1 ended\n"
    assert cli.run("support", "list").stdout == ""
    assert cli.run("support", "close", TICKET, *BY).returncode == 1
    (grant,) = asyncio.run(
        ask("SELECT bool_and(until_at <= clock_timestamp()) AS over FROM access.system_grant WHERE purpose = 'SUPPORT'")
    )
    assert grant["over"]
