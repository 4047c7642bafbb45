"""`smets decode`: what a GBCS message says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, write_json
from opensmets.cli.keys import open_keystore
from opensmets.cli.message_input import read_message
from opensmets.cli.options import EXIT_CODES, Json, Keystore

if TYPE_CHECKING:
    from rich.console import Console

#: Width of the tree in a pipe, where there is no terminal to fit.
PIPE_WIDTH = 160


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("decode", epilog=EXIT_CODES)(decode)


def decode(
    message: Annotated[
        str, typer.Argument(metavar="FILE|HEX|BASE64|-", help="A GBCS message, in any of these forms.")
    ] = "-",
    keystore: Keystore = None,
    as_json: Json = False,
) -> None:
    """Explain a GBCS message as a tree; with --keystore, verify its MAC and signature and decrypt it."""
    from opensmets.explain import explain
    from opensmets.explain.render import render

    octets = read_message(message)
    node = explain(octets, open_keystore(keystore) if keystore else None)
    if as_json:
        write_json(node.to_json())
    else:
        _console().print(render(node))
    verdict = node.find("verification")
    if verdict is not None and any(child.value == "invalid" for child in verdict.children):
        warn(next(str(child.value) for child in verdict.children if child.name == "why"))
        raise typer.Exit(1)


def _console() -> Console:
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=PIPE_WIDTH, soft_wrap=True)
