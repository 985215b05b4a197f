"""`fellesjournal packages`: profiles, code systems and value sets, installed while the site runs."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fellesjournal import packages, terminology
from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from fellesjournal.kit.keys import open_keys
from fellesjournal.kit.settings import Settings
from fellesjournal.packages import Package, PackageName, Summary, lists

T = TypeVar("T")


def add_command(commands: Any) -> None:
    """`packages install FILE…`, `list`, `show NAME[#VERSION]`, `remove NAME#VERSION`."""
    parser = commands.add_parser("packages", help="install profiles and code systems, list them, remove them")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    installing = actions.add_parser("install", help="install FHIR packages (.tgz), folders of resources, code lists")
    installing.add_argument("places", type=Path, nargs="+", metavar="FILE", help="a package, a folder or a code list")
    installing.add_argument("--name", help="name of a folder that has no package.json")
    installing.add_argument("--version", help="version of a folder or a code list")
    installing.add_argument("--format", choices=lists.FORMATS, help="of a code list; else its content tells")
    installing.add_argument("--yes", action="store_true", help="do not ask, also when some files are left out")
    installing.set_defaults(run=_install)
    actions.add_parser("list", help="what is installed").set_defaults(run=_list)
    showing = actions.add_parser("show", help="what stands in a package, and what it lacks")
    showing.add_argument("package", metavar="NAME[#VERSION]")
    showing.set_defaults(run=_show)
    removing = actions.add_parser("remove", help="remove a package; what was validated against it stays")
    removing.add_argument("package", metavar="NAME#VERSION")
    removing.add_argument("--force", action="store_true", help="also when others depend on it")
    removing.set_defaults(run=_remove)


# ── Install ──────────────────────────────────────────────────────────────────────────────────────


def _install(settings: Settings, arguments: argparse.Namespace) -> int:
    if (arguments.name or arguments.version or arguments.format) and len(arguments.places) > 1:
        raise OperatorError("--name, --version and --format are for one file or folder at a time")
    with _bars() as bars:
        read = [_read(place, arguments, bars) for place in arguments.places]
    if any(package.left_out for package in read) and not _goes_on(read, arguments):
        return 1
    asyncio.run(_install_all(settings, read))
    return 0


def _read(place: Path, arguments: argparse.Namespace, bars: Progress) -> Package:
    progress = _shown_in(bars, f"read {place.name}")
    try:
        return packages.read_package(
            place, name=arguments.name, version=arguments.version, format=arguments.format, on_progress=progress
        )
    except packages.BadPackage as error:
        raise OperatorError(str(error)) from None


def _goes_on(read: list[Package], arguments: argparse.Namespace) -> bool:
    """Tell what is left out; ask whoever sits there, unless they said yes already."""
    for package in read:
        for file, reason in package.left_out.items():
            _say(f"{package.name}: {file} is left out: {reason}", file=sys.stderr)
    if arguments.yes or not sys.stdin.isatty():
        return True
    return input("Install the rest? [y/N] ").strip().lower() in ("y", "yes", "j", "ja")


async def _install_all(settings: Settings, read: list[Package]) -> None:
    async with await _operator(settings) as operator:
        for package in read:
            await _install_one(operator, package)
        installed = await packages.list_packages(operator)
    _say_wanted([one for one in installed if one.name in {package.name for package in read}], installed)


def _say_wanted(new: list[Summary], installed: list[Summary]) -> None:
    """What the new ones depend on and is not there: a line for each package, with the versions that are wanted."""
    wanted: dict[str, set[str]] = {}
    for one in new:
        for missing in packages.missing_dependencies(one, installed):
            wanted.setdefault(missing.name, set()).add(missing.version)
    for name, versions in sorted(wanted.items()):
        there = packages.versions_of(name, installed)
        instead = f"; installed is {', '.join(there)}" if there else ""
        _say(f"Not installed, but depended on: {name} in version {', '.join(sorted(versions))}{instead}")


async def _install_one(operator: db.Database, package: Package) -> None:
    try:
        with _bars() as bars:
            progress = _shown_in(bars, f"install {package.name}")
            done = await packages.install(
                operator, package, who=_who(), then=[terminology.on_install], on_progress=progress
            )
    except packages.Conflict as error:
        raise OperatorError(str(error)) from None
    said = "installed" if done.is_new else "was installed already"
    _say(f"{package.name}: {said} ({len(package.artifacts)} definitions, {package.examples} examples left out)")
    for one in package.artifacts:
        if one.rtype == "SearchParameter" and package.name.name != packages.CORE:
            _say(f"  brings a search parameter; to add it: fellesjournal search-parameters add '{one.url}'")


# ── List, show, remove ───────────────────────────────────────────────────────────────────────────


def _list(settings: Settings, _: argparse.Namespace) -> int:
    for one in asyncio.run(_with_operator(settings, packages.list_packages)):
        state = "" if one.state == "ready" else f"\t{one.state}: not whole; run it again"
        when = one.installed_at.strftime("%Y-%m-%d %H:%M UTC")
        _say(f"{one.name}\t{one.artifacts} definitions\t{when} by {one.installed_by}{state}")
    return 0


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    name, _, version = arguments.package.partition("#")
    return asyncio.run(_with_operator(settings, lambda operator: _show_each(operator, name, version)))


async def _show_each(operator: db.Database, name: str, version: str) -> int:
    installed = await packages.list_packages(operator)
    chosen = [one for one in installed if one.name.name == name and version in ("", one.name.version)]
    if not chosen:
        raise OperatorError(f"{name}{'#' if version else ''}{version} is not installed")
    for one in chosen:
        _say_package(one, installed)
        for row in await packages.list_artifacts(operator, one.package):
            canonical = f"{row['url'] or row['fhir_id']}{'|' if row['version'] else ''}{row['version']}"
            _say(f"  {row['rtype']}\t{row['kind']}\t{canonical}\t{row['title'] or row['name']}")
    return 0


def _say_package(one: Summary, installed: list[Summary]) -> None:
    _say(f"{one.name}\t{one.title}")
    for word, value in (
        ("state", one.state), ("licence", one.licence or "not stated"), ("canonical", one.canonical),
        ("FHIR", one.fhir_version), ("read from", one.source), ("SHA-256", one.sha256.hex()),
        ("installed", f"{one.installed_at.isoformat(timespec='seconds')} by {one.installed_by}"),
    ):  # fmt: skip
        if value:
            _say(f"  {word}: {value}")
    missing = packages.missing_dependencies(one, installed)
    for needed in (PackageName(name, version) for name, version in one.dependencies.items()):
        _say(f"  depends on {needed}{', which is not installed' if needed in missing else ''}")
    for file, reason in one.left_out.items():
        _say(f"  left out: {file}: {reason}")


def _remove(settings: Settings, arguments: argparse.Namespace) -> int:
    name, sign, version = arguments.package.partition("#")
    if not sign:
        raise OperatorError("say which version to remove: NAME#VERSION (`packages list` shows them)")
    one = PackageName(name, version)
    asyncio.run(_with_operator(settings, lambda operator: _remove_one(operator, one, is_forced=arguments.force)))
    _say(f"{one}: removed")
    return 0


async def _remove_one(operator: db.Database, one: PackageName, *, is_forced: bool) -> None:
    needing = packages.dependants_of(one, await packages.list_packages(operator))
    if needing and not is_forced:
        raise OperatorError(f"{one} is needed by {', '.join(map(str, needing))}; --force removes it all the same")
    try:
        await packages.remove(operator, one, who=_who(), then=[terminology.on_remove])
    except packages.NotInstalled:
        raise OperatorError(f"{one} is not installed") from None


# ── What all of them use ─────────────────────────────────────────────────────────────────────────


async def _operator(settings: Settings) -> db.Database:
    return await db.Database.connect(settings, open_keys(settings.data_dir), "fj_migrate", max_size=1)


async def _with_operator(settings: Settings, ask: Callable[[db.Database], Awaitable[T]]) -> T:
    async with await _operator(settings) as operator:
        return await ask(operator)


def _who() -> str:
    """The operator's name on this machine, for the list of changes."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _say(text: str, *, file: Any = None) -> None:
    print(text, file=file)


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip


def _shown_in(bars: Progress, what: str) -> Callable[[int, int], None]:
    task = bars.add_task(what, total=None)
    return lambda done, total: bars.update(task, completed=done, total=total)
