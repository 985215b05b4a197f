"""Packages of definitions that an operator installs: profiles, code systems, value sets.

Reading is pure (`read_package`: a FHIR package, or a folder of resources); installing and removing are the operator's
(`install`, `remove`, in steps that can be broken off and done again); `Library` is how the running processes find a
definition by its canonical. Definitions are about nobody: they stand outside the vault, in the schema `definitions`.
"""

from fellesjournal.packages.actions import (
    CORE,
    Conflict,
    Installed,
    NotInstalled,
    Summary,
    contents,
    dependants_of,
    install,
    list_artifacts,
    list_packages,
    missing_dependencies,
    remove,
    versions_of,
)
from fellesjournal.packages.artifact import DEFINITIONS
from fellesjournal.packages.library import Library, NotLoaded, Source
from fellesjournal.packages.model import Artifact, BadPackage, Package, PackageName
from fellesjournal.packages.reading import read_package
from fellesjournal.packages.store import Held

__all__ = [
    "CORE",
    "DEFINITIONS",
    "Artifact",
    "BadPackage",
    "Conflict",
    "Held",
    "Installed",
    "Library",
    "NotInstalled",
    "NotLoaded",
    "Package",
    "PackageName",
    "Source",
    "Summary",
    "contents",
    "dependants_of",
    "install",
    "list_artifacts",
    "list_packages",
    "missing_dependencies",
    "read_package",
    "remove",
    "versions_of",
]
