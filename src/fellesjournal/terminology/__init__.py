"""Code systems and value sets: what a code means, and which code a word means.

`Terminology` is the door: value sets and code systems that an operator has installed, or that are part of the product
(`base`: R4's own, the diagnoses of `icpc2`, code systems that follow a rule). A value set is read (`value_set`),
resolved to sets of codes (`resolve`), and then listed (`expansion`), looked into (`checking`, `answers`) or searched.
Concepts of installed code systems stand in the database, schema `terminology`; nothing there is about a person.
"""

from fellesjournal.terminology.answers import Question
from fellesjournal.terminology.checking import Coding, Verdict, check_in_system, check_in_value_set
from fellesjournal.terminology.codes import Codes
from fellesjournal.terminology.details import details
from fellesjournal.terminology.errors import (
    BadDefinition,
    BadQuestion,
    NotInstalled,
    TerminologyError,
    TooCostly,
    UnknownCode,
)
from fellesjournal.terminology.expansion import Ask, expand
from fellesjournal.terminology.fhir import expanded
from fellesjournal.terminology.held import Held
from fellesjournal.terminology.install import catch_up, groups_of, on_install, on_remove
from fellesjournal.terminology.language import Languages, wished
from fellesjournal.terminology.membership import Token, every_code, relatives, tokens_of
from fellesjournal.terminology.resolve import PLAIN, Key, Library, Resolved, Versions, find, resolve
from fellesjournal.terminology.service import Terminology
from fellesjournal.terminology.system import System
from fellesjournal.terminology.translation import NO_MATCH, Match, Wanted, translate
from fellesjournal.terminology.value_set import Definition, Filter, Include, read_value_set

__all__ = [
    "NO_MATCH",
    "PLAIN",
    "Ask",
    "BadDefinition",
    "BadQuestion",
    "Codes",
    "Coding",
    "Definition",
    "Filter",
    "Held",
    "Include",
    "Key",
    "Languages",
    "Library",
    "Match",
    "NotInstalled",
    "Question",
    "Resolved",
    "System",
    "Terminology",
    "TerminologyError",
    "Token",
    "TooCostly",
    "UnknownCode",
    "Verdict",
    "Versions",
    "Wanted",
    "catch_up",
    "check_in_system",
    "check_in_value_set",
    "details",
    "every_code",
    "expand",
    "expanded",
    "find",
    "groups_of",
    "on_install",
    "on_remove",
    "read_value_set",
    "relatives",
    "resolve",
    "tokens_of",
    "translate",
    "wished",
]
