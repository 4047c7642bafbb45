"""`smets meter household` lets a meter live with a household; `smets meter chart` draws what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import working, write, write_json
from opensmets.cli.options import AUTO, EXIT_CODES, Json, Port
from opensmets.errors import UsageError

if TYPE_CHECKING:
    from opensmets.bench.household import Load, Power

MAX_DAYS = 3_660
DEFAULT_LOAD = "household"
_SAID_EVERY = 48 * 30


def register(app: typer.Typer) -> None:
    """Add the command of this module to the group of the meter."""
    app.command("household", epilog=EXIT_CODES)(household)


def load_named(name: str, seed: int) -> Load:
    """Return the load that `--load` names. Raises UsageError, LoadInvalid."""
    from opensmets.bench import household

    if name == DEFAULT_LOAD:
        return household.synthetic(seed)
    power = power_named(name)
    return household.constant(power.import_w, power.export_w) if power else household.from_csv(Path(name))


def power_named(name: str) -> Power | None:
    """Return the power of a constant load; None when `--load` names another kind. Raises UsageError for none."""
    from opensmets.bench.household import MAX_POWER_W, Power

    import_w, comma, export_w = name.partition(",")
    if import_w.isdigit() and (export_w.isdigit() or not comma):
        power = Power(int(import_w), int(export_w or "0"))
        if max(power.import_w, power.export_w) > MAX_POWER_W:
            raise UsageError(f"{name!r} is more than {MAX_POWER_W} W")
        return power
    if name != DEFAULT_LOAD and not Path(name).is_file():
        raise UsageError(f"{name!r} is no load: write household, a number of W such as 500 or 500,0, or a CSV file")
    return None


def household(
    port: Port = AUTO,
    load: Annotated[
        str, typer.Option(metavar="household|W[,W]|FILE", help="A made household, W in and out, or a CSV file.")
    ] = DEFAULT_LOAD,
    seed: Annotated[int, typer.Option(min=0, help="Which made household.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="How long.")] = 7,
    out: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write every half hour there.")] = None,
    as_json: Json = False,
) -> None:
    """Let a device with a bench live through days as fast as it can, half hour by half hour.

    Needs `smets device run --bench`. The CSV file is what `smets meter chart` draws.
    """
    from opensmets.bench import household as house
    from opensmets.bench.control import Bench
    from opensmets.links import open_link

    wanted, lived = load_named(load, seed), []
    with open_link(port) as link, working(f"living through {days} days", quiet=as_json) as tell:
        for half_hour in house.live(Bench(link), wanted, days * house.STEPS):
            lived.append(half_hour)
            if len(lived) % _SAID_EVERY == 0:
                tell(f"day {len(lived) // house.STEPS} of {days}")
    if out:
        house.write_csv(out, lived)
    last = lived[-1]
    summary = {
        "half_hours": len(lived),
        "until": house.text_of(last.time_s + house.HALF_HOUR_S),
        "balance_millipence": last.balance_millipence,
        "price_millipence": last.price_millipence,
        "supply": ("disabled", "enabled", "armed")[last.supply],
    }
    if as_json:
        write_json(summary)
    else:
        write(f"{len(lived):,} half hours until {summary['until']}; balance £{last.balance_millipence / 100_000:.2f}, "
              f"supply {summary['supply']}")  # fmt: skip
