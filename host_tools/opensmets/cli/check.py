"""`smets conformance`: every reference scenario through the five levels, as a table and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import one_line, warn, write
from opensmets.cli.device import Runtime
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.conformance.verdicts import Judgement

#: In a pipe, progress is told once for so many scenarios.
TOLD_EVERY = 50


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("conformance")(conformance)


def conformance(
    messages: Annotated[Path, typer.Option(metavar="DIR", help="Reference messages, a folder for each use case.")],
    requests: Annotated[Path | None, typer.Option(metavar="DIR", help="Their DUIS request documents.")] = None,
    keystore: Annotated[Path | None, typer.Option(metavar="DIR", help="Their parties' keys and certificates.")] = None,
    runtime: Annotated[Runtime, typer.Option(help="The interpreter that runs the firmware.")] = Runtime.MICROPYTHON,
    filter_text: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Only scenarios with this in their name.")
    ] = "",
    all_bits: Annotated[bool, typer.Option("--all-bits", help="Flip every bit, not one of each payload byte.")] = False,
    report: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON; - for stdout.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes [default: one for each core]")
    ] = None,
) -> None:
    """Judge scenarios at five levels: encode, protect, accept, respond, read. Exit 1 when anything fails."""
    from opensmets.conformance.run import Plan, run, scenarios
    from opensmets.conformance.verdicts import report as report_of

    for folder in (messages, requests, keystore):
        if folder is not None and not folder.is_dir():
            raise UsageError(f"no folder {folder}: name one that exists")
    plan = Plan(messages, requests, keystore, runtime.value, filter_text, all_bits)
    chosen = scenarios(plan)
    judgements = list(_with_progress(run(plan, chosen, workers), len(chosen)))
    if report is not None:
        _write_report(report, json.dumps(report_of(judgements), indent=1))
    if report != Path("-"):
        _print(judgements)
    if failed := sum(1 for each in judgements if _failures(each)):
        raise SmetsError(f"{failed} of {len(judgements)} scenarios fail")


def _with_progress(judgements: Iterable[Judgement], total: int) -> Iterator[Judgement]:
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(judgements, description="scenarios", total=total, console=Console(stderr=True))
        return
    for number, judgement in enumerate(judgements, 1):
        if number % TOLD_EVERY == 0 or number == total:
            warn(f"{number} of {total} scenarios judged")
        yield judgement


def _write_report(path: Path, text: str) -> None:
    if path == Path("-"):
        write(text)
    else:
        path.write_text(text + "\n", encoding="utf-8")


def _failures(judgement: Judgement) -> list[str]:
    return [f"{level}: {one_line(each.why)}" for level, each in judgement.levels.items() if each.outcome == "fail"]


def _print(judgements: list[Judgement]) -> None:
    from rich.console import Console
    from rich.table import Table

    from opensmets.conformance.verdicts import LEVELS, OUTCOMES, totals

    for judgement in judgements:
        for failure in _failures(judgement):
            write(f"{judgement.name}: {failure}")
    counts = totals(judgements)
    table = Table("level", *OUTCOMES)
    for level in LEVELS:
        table.add_row(level, *(str(counts[level][outcome]) for outcome in OUTCOMES))
    Console().print(table)
