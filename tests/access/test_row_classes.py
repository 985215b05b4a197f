"""The class of a row says the same in SQL and in Python, and each kind of reader has the mask that its rules say."""

import re

from fellesjournal.fhir.row_class import RowClass
from fellesjournal.kit import programs
from fellesjournal.kit.migrate import _default_folder


def test_sql_names_the_same_bits_as_python() -> None:
    text = dict(programs.find_programs(_default_folder()))["access/classes.sql"]
    head = text[: text.index("CREATE OR REPLACE")]
    named = {name: int(bit) for bit, name in re.findall(r"(\d+) ([A-Z]{2}[A-Z_]+)", head)}
    assert named == {bit.name: bit.value for bit in RowClass}
