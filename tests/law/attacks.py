# ruff: noqa: E501 - sentences for people
"""The attacks that are tried, what each could see by what access.md promises, and the tests that try it: docs/law/attacks.md.

`python -m tests.law.attacks` writes the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "law" / "attacks.md"
_HEAD: Final = """\
# Angrep som er prøvd

Denne siden er laget av `python -m tests.law.attacks`. Hver rad er et angrep, hva det kan gi, og testene som prøver det.
En test feiler hvis en av dem mangler. Det som gjelder når noe svikter, står i `SECURITY.md`; hver lås som tas bort etter tur, står i
`tests/law/test_locks.py`; ti tusen spørsmål fra mange lesere i `tests/law/test_oracle.py`.

| angrep | det gir | tester |
|---|---|---|
"""


@dataclass(frozen=True)
class Attack:
    """One kind of attack: in words, what it could see, and its tests as `file::test`."""

    words: str
    gives: str
    tests: tuple[str, ...]


ATTACKS: Final = (
    Attack("Databaserollens passord uten en levende økts hemmelighet", "en tilkobling, ingen rad", (
        "tests/access/test_attacks.py::test_a_wrong_secret_opens_nothing",
        "tests/access/test_attacks.py::test_no_application_role_touches_a_table_of_the_record_or_the_log",
        "tests/access/test_attacks.py::test_no_application_role_owns_creates_or_becomes_anything",
        "tests/access/test_attacks.py::test_the_worst_password_of_all_still_needs_a_secret",
        "tests/access/test_attacks.py::test_the_workers_password_alone_starts_no_session_of_a_system",
        "tests/law/test_locks.py::test_with_any_one_policy_of_the_record_dropped_a_stranger_gets_nothing",
    )),
    Attack("SQL gjennom et felt", "ingenting: teksten er en verdi. Og kom den forbi det, bare det samme som forespørselens egen beslutning gir", (
        "tests/law/test_attacks.py::test_sql_in_any_field_is_a_value_and_nothing_more",
        "tests/access/test_attacks.py::test_an_injection_sees_what_the_decision_gives_and_no_more",
        "tests/access/test_attacks.py::test_an_injection_runs_one_query_with_the_rights_of_its_door_alone",
        "tests/access/test_attacks.py::test_nothing_that_an_injection_laid_ready_is_run_for_the_next_reader",
        "tests/faults/test_any_request.py::test_no_request_makes_the_site_stumble",
    )),
    Attack("En forfalsket beslutning, eller en som er brukt før", "ingenting: databasen avgjør på nytt ved hvert kall", (
        "tests/law/test_locks.py::test_a_decision_made_by_hand_opens_no_more_than_its_secret",
        "tests/law/test_locks.py::test_without_the_door_the_database_refuses",
        "tests/law/test_locks.py::test_without_the_check_of_the_token_the_database_refuses",
        "tests/access/test_attacks.py::test_settings_made_by_hand_open_nothing",
        "tests/access/test_attacks.py::test_the_seal_of_one_transaction_is_worth_nothing_in_the_next",
        "tests/access/test_attacks.py::test_the_seal_of_one_search_is_worth_nothing_in_the_next_of_the_same_call",
    )),
    Attack("En gammel, endret eller lånt markør (neste side)", "det leseren kan se nå, aldri det en gang kunne se", (
        "tests/law/test_attacks.py::test_an_old_cursor_shows_what_may_be_seen_now",
        "tests/record/test_api_interactions.py::test_a_cursor_is_good_for_its_search_and_reader_alone",
        "tests/record/api/test_everything.py::test_a_cursor_is_good_for_its_own_question_and_reader",
        "tests/record/api/test_history.py::test_pages_hold_every_version_once_and_a_cursor_is_its_readers_alone",
    )),
    Attack("En kopiert DPoP-token", "ingenting uten nøkkelen", (
        "tests/identity/apps/test_backend.py::test_a_bound_token_is_worth_nothing_without_its_key",
        "tests/identity/apps/test_backend.py::test_a_refresh_token_is_bound_to_the_key_as_well",
    )),
    Attack("En stjålet informasjonskapsel etter utlogging, eller etter at rollen er avsluttet", "ingenting", (
        "tests/identity/test_sign_in.py::test_a_cookie_stolen_before_sign_out_is_worth_nothing_after",
        "tests/identity/test_sign_in.py::test_session_dies_with_its_role",
        "tests/identity/test_upkeep.py::test_session_never_outlives_its_role",
        "tests/access/test_attacks.py::test_an_ended_session_opens_nothing",
        "tests/access/test_attacks.py::test_a_session_ends_with_its_post_by_idling_and_by_age",
        "tests/identity/apps/test_code_flow.py::test_sign_out_kills_an_apps_token_at_once_unless_it_may_stay",
    )),
    Attack("Et skjema fra en annen fane, med en annen rolle, enhet eller pasient", "en konflikt som gir teksten tilbake; ingenting skrives", (
        "tests/web/test_forms_protection.py::test_form_of_another_context_is_a_conflict_that_gives_the_text_back",
        "tests/web/test_forms_protection.py::test_token_of_another_person_is_refused_and_nothing_is_given_back",
        "tests/web/test_forms_protection.py::test_changed_token_of_another_context_is_forged",
    )),
    Attack("En jobb som noen har endret innholdet i", "det den som ba om jobben, kan få, til denne alene", (
        "tests/law/test_attacks.py::test_an_edited_job_does_no_more_than_who_asked_may_and_for_them_alone",
        "tests/kit/test_jobs.py::test_payload_holds_ids_only",
        "tests/record/api/test_export.py::test_export_of_another_asker_is_not_there",
    )),
    Attack("En strøm, en liste eller en fil som holdes åpen etter en sperring eller en utlogging", "ingenting nytt fra det som er sperret", (
        "tests/law/test_attacks.py::test_a_stream_kept_open_tells_nothing_after_a_block",
        "tests/record/subscriptions/test_websocket.py::test_a_socket_ends_with_the_session_that_bound_it",
        "tests/record/subscriptions/test_rest_hook.py::test_a_block_holds_back_what_was_numbered_before_it",
        "tests/record/api/test_export.py::test_file_is_not_given_out_after_somebody_in_it_has_blocked",
        "tests/access/test_blocks.py::test_the_whole_record_is_blocked_for_a_unit_a_service_or_a_person_in_an_open_session",
    )),
    Attack("En id som noen gjetter", "samme svar som for en id som ikke finnes", (
        "tests/law/test_attacks.py::test_a_guessed_id_is_answered_as_one_that_never_was",
        "tests/law/test_every_door.py::test_every_fhir_interaction_without_a_need_is_refused_and_logged",
        "tests/law/test_oracle.py::test_no_answer_holds_more_or_less_than_the_permitted_rows",
    )),
)  # fmt: skip


def page() -> str:
    """The page, in the words of a lawyer's table."""
    rows = (f"| {one.words} | {one.gives} | {'<br>'.join(f'`{test}`' for test in one.tests)} |" for one in ATTACKS)
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
