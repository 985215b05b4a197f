"""Small enough to read: the bounds of STYLE.md, measured on the whole product."""

from __future__ import annotations

from statistics import median

from tests.architecture.source import length_of, share, source_files


def test_half_of_all_functions_have_at_most_8_lines() -> None:
    assert not _function_lengths() or median(_function_lengths()) <= 8


def test_nine_in_ten_functions_have_at_most_25_lines() -> None:
    assert share(_function_lengths(), at_most=25) >= 0.9


def test_no_function_has_more_than_60_lines() -> None:
    long = [
        f"{file.path}:{function.lineno} {function.name} has {length_of(function)} lines"
        for file in source_files()
        for function in file.functions()
        if length_of(function) > 60
    ]
    assert long == []


def test_nine_in_ten_files_have_at_most_250_lines() -> None:
    assert share([file.length for file in source_files()], at_most=250) >= 0.9


def test_no_file_has_more_than_400_lines() -> None:
    assert [f"{file.path}: {file.length}" for file in source_files() if file.length > 400] == []


def _function_lengths() -> list[int]:
    return [length_of(function) for file in source_files() for function in file.functions()]
