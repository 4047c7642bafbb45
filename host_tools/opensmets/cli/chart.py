"""`smets meter chart`: what a meter measured, asked for as a supplier asks, or what a run of a household came to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opensmets.cli.console import counting, one_line, warn, working, write, write_json
from opensmets.cli.keys import choose_supplier, open_keystore
from opensmets.cli.options import (
    AUTO,
    DEFAULT_TIMEOUT_S,
    EXIT_CODES,
    As,
    Json,
    Keystore,
    NoHubTime,
    Pcap,
    Port,
    Timeout,
)
from opensmets.cli.shortcuts import MILLIPENCE, TIME_FORMATS, Way
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from lxml import etree

    from opensmets.chart.answers import Told
    from opensmets.chart.series import Series
    from opensmets.cli.conversation import Conversation

MAX_DAYS = 3_660
CHART_DAYS = 7


def register(app: typer.Typer) -> None:
    """Add the command of this module to the group of the meter."""
    app.command("chart", epilog=EXIT_CODES)(chart)


def chart(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN.csv]", help="What `meter household --csv` wrote; else a device.")
    ] = None,
    port: Port = AUTO,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_DAYS, help=f"The last ones [default: all of a run, else {CHART_DAYS}]"),
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=TIME_FORMATS, help="Last moment, in UTC [default: the meter's]")
    ] = None,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Write a picture there.")] = None,
    keystore: Keystore = None,
    originator: As = None,
    pcap: Pcap = None,
    as_json: Json = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    no_hub_time: NoHubTime = False,
) -> None:
    """Draw import, export, price and balance: by half hours, of more than two weeks by days.

    A device is asked by DUIS requests: 4.8.1 and 4.8.3 for the profiles (export as the network operator, which alone
    may), 4.11.1 for the tariff, 4.14 and 4.18 for balances. The prices drawn are those of the tariff now in force.
    """
    told: Told | None = None
    if run is not None:
        series, what = _of_run(run, days), run.name
    else:
        store = open_keystore(keystore)
        way = Way(port, store, choose_supplier(store, originator), pcap, not no_hub_time, timeout, as_json)
        told, what = _ask_meter(way, days or CHART_DAYS, end), "the meter's logs"
        series = told.series
    if not series.points:
        raise SmetsError("there is nothing to draw yet: `smets meter household` lets the meter live")
    title = f"Household: {what}, {'by days' if series.by_days else 'by half hours'}"
    if png:
        from opensmets.chart.picture import draw

        with working(f"drawing {png}", quiet=as_json):
            draw(series, png, title)
    if as_json:
        write_json({"title": title, "step_s": series.step_s, **_now(told),
                    "points": [point.fields() for point in series.points]})  # fmt: skip
    elif png:
        warn(f"{len(series.points)} points are in {png}")
    else:
        from opensmets.chart.blocks import lines

        write("\n".join([title, *lines(series, shutil.get_terminal_size().columns), *_now_lines(told)]))


def _of_run(run: Path, days: int | None) -> Series:
    from opensmets.bench.household import STEPS, read_csv
    from opensmets.chart.series import of_run

    if not run.is_file():
        raise UsageError(f"{run} is no file: `smets meter household --csv {run}` writes one")
    half_hours = read_csv(run)
    return of_run(half_hours[-days * STEPS :] if days else half_hours)


def _ask_meter(way: Way, days: int, end: datetime | None) -> Told:
    from opensmets.chart.answers import of_meter
    from opensmets.cli.answers import open_talk
    from opensmets.cli.conversation import EPOCH

    until_s = None if end is None else int((end.replace(tzinfo=UTC) - EPOCH).total_seconds())
    with (
        open_talk(way.port, way.keystore, way.pcap, hub_time=way.hub_time) as (conversation, _),
        counting("asking the meter", quiet=way.as_json) as show,
    ):
        return of_meter(Asker(conversation, way).read, days, show, until_s)


@dataclass
class Asker:
    """Asks a meter for what a chart shows, each request by who may send it. What the meter refuses is told once."""

    conversation: Conversation
    way: Way
    refused: set[str] = field(default_factory=set)

    def read(self, variant: str, content: Mapping[str, Any]) -> etree._Element | None:
        """Return what was asked for, None when the meter refuses it. Raises SmetsError when it does not answer."""
        from opensmets.chart.answers import IMPORT_PROFILE
        from opensmets.cli.conversation import Refused
        from opensmets.cli.shortcuts import ask
        from opensmets.cli.xml_view import answer_of

        way = self._way(variant)
        if variant in self.refused or way is None:
            return None
        try:
            answer = ask(self.conversation, way, variant, dict(content))
        except Refused as error:
            if variant == IMPORT_PROFILE:
                raise
            self._leave_out(variant, str(error))
            return None
        if answer.document is None or answer.refused:
            why = answer.unread or "; ".join(answer.refusals())
            if variant == IMPORT_PROFILE:
                raise SmetsError(f"{variant}: the meter answers {why}")
            self._leave_out(variant, why)
            return None
        return answer_of(answer.document)

    def _way(self, variant: str) -> Way | None:
        """Return who sends a request: Read Export Profile Data is the network operator's (GBCS, ECS22a)."""
        from opensmets.chart.answers import EXPORT_PROFILE

        if variant != EXPORT_PROFILE:
            return self.way
        operators = self.way.keystore.by_role("network_operator")
        if not operators and variant not in self.refused:
            self._leave_out(variant, "the key store has no network operator")
        return replace(self.way, originator=operators[0].eui) if operators else None

    def _leave_out(self, variant: str, why: str) -> None:
        self.refused.add(variant)
        warn(one_line(f"{variant} is left out: {why}"))


def _now(told: Told | None) -> dict[str, Any]:
    """Return what a meter tells of now, for a program; nothing of a run."""
    if told is None:
        return {}
    tariff = told.tariff
    return {
        "balance_millipence": told.balance_millipence,
        "price_millipence": tariff and tariff.price_millipence,
        "standing_charge_millipence": tariff and tariff.standing_charge_millipence,
    }


def _now_lines(told: Told | None) -> list[str]:
    units = {"balance_millipence": (MILLIPENCE, "balance £{:.2f}"), "price_millipence": (1000, "price {:.2f}p a kWh"),
             "standing_charge_millipence": (1000, "standing charge {:.2f}p a day")}  # fmt: skip
    found = [units[name][1].format(value / units[name][0]) for name, value in _now(told).items() if value is not None]
    return ["now: " + ", ".join(found)] if found else []
