"""All figures in one table: `.venv/bin/python -m bench`. See `--help`; `make bench` is the same."""

import argparse
import asyncio
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import bulk, codes, everything, log_size, ndjson, pages, read, start
from bench.bundles import read_bundles
from bench.clients import post_all, time_gets
from bench.durable import sync_cost
from bench.load import drive, require_wrk
from bench.log_cost import measure_log
from bench.predicate_cost import measure_predicates
from bench.site import GP, Site, Web, check_durable, open_site
from bench.snooping import measure as snooping
from bench.table import Figure, Table

SIZE, FULL = 100_000, 1_000_000
_DEMO = 40


def main(arguments: Sequence[str] | None = None) -> None:
    """Build an installation, measure, print one table."""
    options = _options(arguments)
    require_wrk()
    table = Table()
    with open_site(demo_size=_DEMO, keep=options.keep) as site:
        durable = asyncio.run(check_durable(site))
        _say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
             + ", ".join(f"{name} {value}" for name, value in durable.items()))  # fmt: skip
        _say(f"pg_test_fsync: {sync_cost(site)}")
        filled = _fill(site, 1_000 if options.only == ["log-size"] else (options.full and FULL) or options.size)
        for measure in _chosen(options.only):
            _say(f"… {measure.__name__.strip('_')} (load {os.getloadavg()[0]:.1f})")
            for figure in measure(site, filled, options):
                table.add(figure)
        site.server.stop()
        if not options.only or "start" in options.only:
            table.add(Figure("cold start to the first page, data in place", f"{start.start_demo(site):.1f} s", "≤ 3 s"))
    _say(f"\n{table.text()}\n\nload average at the end: {os.getloadavg()[0]:.1f}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help=f"bulk resources ({SIZE})")
    parser.add_argument("--full", action="store_true", help=f"{FULL} bulk resources")
    parser.add_argument("--seconds", type=float, default=4, help="length of a round of wrk (4)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side (5)")
    parser.add_argument("--bundles", type=Path, help="folder with transaction bundles (Synthea's, if near)")
    parser.add_argument("--keep", type=Path, help="folder for the installation, kept and used again")
    parser.add_argument("--log-rows", type=int, default=2_000_000, help="rows of the part log-size (2000000)")
    parser.add_argument("--only", nargs="*", choices=[*_MEASURES, "start"], help="only these")
    return parser.parse_args(arguments)


def _fill(site: Site, resources: int) -> bulk.Bulk:
    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total}", end="", file=sys.stderr, flush=True)

    filled = asyncio.run(bulk.fill(site, resources=resources, progress=progress))
    _say(f"{filled.resources} resources written in {filled.seconds:.0f} s by the loader: {_rate(filled)}/s")
    return filled


def _rate(filled: bulk.Bulk) -> int:
    return round(filled.resources / filled.seconds)


def _read(site: Site, filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    token = asyncio.run(site.token(GP))
    with site.web() as web:
        found = read.compare(
            site, web, token=token, ids=filled.observations, rounds=options.rounds, seconds=options.seconds
        )
    ours, bare = (_median(sides, lambda side: side.result.per_s) for sides in (found.ours, found.bare))
    used, base = (_used(sides) for sides in (found.ours, found.bare))
    costs = asyncio.run(measure_log(site, token=token, ids=filled.observations, batches=(1, 8)))
    p99 = _median(found.ours, lambda side: side.result.p99)
    return [
        Figure("read by id, of a bare handler", f"{found.ratio:.0%} ({ours:.0f} of {bare:.0f}/s)", "≥ 40 %"),
        Figure("  p99, 16 connections", f"{p99:.0f} ms", ""),
        Figure("  processor, web and database", f"{used} µs; bare {base} µs", ""),
        *(Figure(f"the log's processor time, {c.batch} in a call", f"{c.us:.0f} of {c.logged_us:.0f} µs", "≤ 60 µs")
          for c in costs),
    ]  # fmt: skip


def _used(sides: list[read.Side]) -> str:
    return f"{_median(sides, lambda side: side.web_us):.0f} + {_median(sides, lambda side: side.database_us):.0f}"


def _search(site: Site, filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    headers = {"Authorization": f"Bearer {asyncio.run(site.token(GP))}", "Accept": "application/fhir+json"}
    chart = [
        f"/fhir/Observation?patient={patient}&code=http://loinc.org%7C{code}&_sort=-date&_count=20"
        for patient in filled.patients[:40] for code in bulk.CODES[:5]
    ]  # fmt: skip
    lists = [
        f"/fhir/Task?owner=Organization/{filled.unit}&status={status}&_sort=-authored-on&_count=20"
        for status in ("requested", "accepted")
    ]
    with site.web() as web:
        drive(web.url, chart, seconds=2, headers=headers)
        rounds = [drive(web.url, chart, seconds=options.seconds, headers=headers) for _ in range(options.rounds)]
        times = time_gets(web.port, lists, count=300, headers=headers)
    if any(one.errors for one in rounds):
        raise RuntimeError("searches failed")
    per_s, p99 = statistics.median(one.per_s for one in rounds), statistics.median(one.p99 for one in rounds)
    listed = f"{times.p50:.1f} ms (p95 {times.p95:.1f}) at {filled.resources:,} resources".replace(",", " ")
    return [
        Figure("a patient's 20 newest by code", f"{per_s:.0f}/s (p99 {p99:.0f} ms)", "≥ 1 500/s"),
        Figure("a unit's work list of 20, over HTTP", listed, "≤ 5 ms"),
    ]


def _predicates(site: Site, filled: bulk.Bulk, _options: argparse.Namespace) -> list[Figure]:
    costs = asyncio.run(measure_predicates(site, filled, token=asyncio.run(site.token(GP))))
    added = [f"{one.added:+.0%} ({one.without_us:.0f} → {one.with_us:.0f} µs)" for one in costs]
    return [Figure(f"policies in: {one.what}", text, "≤ +25 %") for one, text in zip(costs, added, strict=True)]


def _chart(site: Site, _filled: bulk.Bulk, _options: argparse.Namespace) -> list[Figure]:
    token, heavy = asyncio.run(site.token(GP)), asyncio.run(pages.heaviest(site))
    path = f"/pasienter/{heavy.patient}"
    with site.web() as web:
        times = time_gets(web.port, [path], count=100, headers={"Cookie": f"fellesjournal={token}"})
        whole, parts = pages.first_visit(web.port, path, token=token)
    opened = f"p50 {times.p50:.0f}, p95 {times.p95:.0f} ms"
    return [
        Figure(f"open a chart of {heavy.resources} resources", opened, "≤ 60 ms"),
        Figure(f"first visit, compressed ({len(parts)} files)", f"{whole / 1000:.0f} kB", "≤ 100 kB"),
    ]


def _bundles(site: Site, _filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    found = read_bundles(options.bundles)
    token = asyncio.run(site.token())
    figures = []
    for count in (1, 2):
        with site.web(count=count) as web:
            post_all(web.port, found.bodies[:4], token=token, connections=2)
            rates, used = _post_rounds(site, web, token, found.bodies, found.resources, options.rounds)
            resident = web.resident_mb()
        what = f"transactions ({found.source}), 2 connections, {count} web process{'es' if count > 1 else ''}"
        figures += [
            Figure(what, f"{statistics.median(rates):.0f}/s (best {max(rates):.0f}); processor {used} µs", "≥ 2 000/s"),
            Figure("  memory of a web process after it", f"{resident:.0f} MB", "≤ 200 MB"),
        ]
    return figures


def _everything(site: Site, _filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    found = read_bundles(options.bundles)
    token = asyncio.run(site.token())
    with site.web() as web:
        patients = everything.posted(web, found, token=token)
        whole = everything.records(web, patients, token=token)
        rounds = [everything.asked(web, whole, token=token, seconds=options.seconds) for _ in range(options.rounds)]
    per_s, p99 = (statistics.median(getattr(one, name) for one in rounds) for name in ("per_s", "p99"))
    what = f"$everything ({found.source}, {whole.resources} resources, {whole.kilobytes} kB each)"
    return [Figure(what, f"{per_s:.0f} patients/s (p99 {p99:.0f} ms)", "≥ 100/s")]


def _ndjson(site: Site, _filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    found = read_bundles(options.bundles)
    token = asyncio.run(site.token())
    with site.web() as web:
        # What is compiled at the first use is no part of it.
        ndjson.imported(site, web, ndjson.lines(found, mark="warm-"), token=token)
        ins = [
            ndjson.imported(site, web, ndjson.lines(found, mark=f"r{n}-"), token=token) for n in range(options.rounds)
        ]
        again = ndjson.imported(site, web, ndjson.lines(found, mark="r0-"), token=token)
        asyncio.run(_analyzed(site))
        outs = [ndjson.exported(site, web, token=token) for _ in range(options.rounds)]
    works, fetched = [work for work, _ in outs], statistics.median(per_s for _, per_s in outs)
    return [
        Figure(f"bulk import of NDJSON ({found.source})", ndjson.told(ins), "≥ 2 500/s"),
        Figure("  the same lines again", ndjson.told([again]), ""),
        Figure(f"bulk export of {works[0].resources} resources, the worker's part", ndjson.told(works), "≥ 20 000/s"),
        Figure("  its files over HTTP, one after the other", f"{fetched:.0f}/s", ""),
    ]


async def _analyzed(site: Site) -> None:
    async with site.admin() as admin:
        await admin.execute("ANALYZE")


def _post_rounds(
    site: Site, web: Web, token: str, bodies: Sequence[bytes], resources: int, rounds: int
) -> tuple[list[float], str]:
    """Resources each second of every round, and processor µs of web and database for each."""
    database, processes = site.postgres(), web.processes()
    began = processes.cpu_s(), database.cpu_s()
    rates = [resources / post_all(web.port, bodies, token=token, connections=2) for _ in range(rounds)]
    each = 1e6 / (resources * rounds)
    return rates, f"{(processes.cpu_s() - began[0]) * each:.0f} + {(database.cpu_s() - began[1]) * each:.0f}"


def _median(sides: list[read.Side], value: Callable[[read.Side], float]) -> float:
    return statistics.median(map(value, sides))


def _codes(site: Site, _filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    times = asyncio.run(codes.typed(site, rounds=10 * options.rounds))
    what = f"search as you type over {codes.CODES} codes, in the process"
    return [Figure(what, f"p50 {times.p50:.1f}, p95 {times.p95:.1f} ms ({times.answers} keys)", "≤ 20 ms")]


def _snooping(site: Site, _filled: bulk.Bulk, _options: argparse.Namespace) -> list[Figure]:
    return snooping.figures(site)


def _log_size(site: Site, _filled: bulk.Bulk, options: argparse.Namespace) -> list[Figure]:
    found = asyncio.run(log_size.measure(site, rows=options.log_rows))
    _say(f"{found.rows} log rows in {found.filled_s:.0f} s; a patient's newest, as it is looked for:\n{found.plan}")
    room = f"{found.bytes_heap:.0f} bytes a row, {found.bytes_all:.0f} with its indexes"
    times = [(one.what, f"p50 {one.p50:.1f}, p95 {one.p95:.1f} ms") for one in found.asked]
    return [
        *(Figure(f"the log, {what}", took, "≤ 100 ms") for what, took in times),
        Figure(f"the log's room at {found.rows} rows", room, ""),
        Figure("the log sealed by the worker", f"{found.sealed_per_s:.0f} rows/s", ""),
        Figure("the log verified", f"{found.verified_per_s:.0f} rows/s", ""),
    ]


Measure = Callable[[Site, bulk.Bulk, argparse.Namespace], list[Figure]]
_MEASURES: dict[str, Measure] = {
    "read": _read, "search": _search, "predicates": _predicates, "chart": _chart, "bundles": _bundles,
    "everything": _everything, "codes": _codes,
    "ndjson": _ndjson, "snooping": _snooping, "log-size": _log_size,
}  # fmt: skip


def _chosen(only: Sequence[str] | None) -> list[Measure]:
    return [measure for name, measure in _MEASURES.items() if not only or name in only]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
