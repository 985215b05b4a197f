"""The pool, its errors and the SQL files."""


async def test_a_role_can_connect_and_ask(database) -> None:
    async with await database.connect("fj_web") as pool:
        assert await pool.fetchval("SELECT current_user::text") == "fj_web"
        assert await pool.fetchval("SELECT demo FROM kit.installation") is True
        assert await pool.fetchval("SELECT current_setting('search_path')") in ("", '""')


async def test_writes_are_durable(admin) -> None:
    row = await admin.fetchrow(
        "SELECT current_setting('fsync') a, current_setting('full_page_writes') b, current_setting('synchronous_commit') c"
    )
    assert tuple(row) == ("on", "on", "on")
