"""`smets meter`: what a person at the meter sees and does."""

from __future__ import annotations

import typer

from opensmets.cli import chart, household, panel

meter_app = typer.Typer(help="Stand at the meter: its panel, a household for it, charts.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    panel.register(meter_app)
    household.register(meter_app)
    chart.register(meter_app)
    app.add_typer(meter_app, name="meter")
