"""Options that several commands share, and where things are when nobody says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from opensmets.errors import SmetsError

#: Said below the help of the commands that talk to a device.
EXIT_CODES = "Exit codes: 0 done; 1 failed or refused; 2 usage; 3 the device answered but refused an item; 130 Ctrl-C."


def home() -> Path:
    """Return the folder of everything that has no place of its own: $SMETS_HOME, else ~/.opensmets."""
    return Path(os.environ.get("SMETS_HOME", "~/.opensmets")).expanduser()


def keystore_path(given: Path | None) -> Path:
    """Return the key store's folder: the given one, else the one that `smets device run` makes by default."""
    return given or home() / "keystore"


def private_folder(folder: Path) -> None:
    """Make a folder that is its user's alone, and those above it that are missing. Raises SmetsError when it cannot."""
    for each in (*reversed(folder.parents), folder):
        try:
            each.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            if not each.is_dir():
                raise SmetsError(f"{each} cannot be made: {error.strerror}; name another folder") from None


Port = Annotated[
    str,
    typer.Option(
        "--port",
        envvar="SMETS_PORT",
        metavar="PATH|udp:GROUP:PORT|auto",
        help="The device's pty or serial port, or its multicast group; `auto` finds the only one.",
    ),
]
Keystore = Annotated[
    Path | None,
    typer.Option(
        "--keystore",
        envvar="SMETS_KEYSTORE",
        metavar="DIR",
        help="Keys and certificates [default: ~/.opensmets/keystore]",
    ),
]
Pcap = Annotated[
    Path | None, typer.Option("--pcap", metavar="FILE", help="Write what passes as pcapng, for Wireshark.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Xml = Annotated[bool, typer.Option("--xml", help="Write the response document itself.")]
NoHubTime = Annotated[
    bool, typer.Option("--no-hub-time", help="Do not give the device the hub's clock when the port opens.")
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long to wait for the device.")
]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="EUI", help="The remote party that asks [default: the key store's first supplier]"),
]
DeviceType = Annotated[
    str,
    typer.Option("--device-type", metavar="KIND", help="What the device is: ESME, GSME, CHF, GPF, HCALCS or PPMID."),
]
Polyphase = Annotated[bool, typer.Option("--polyphase", help="The meter has three phases.")]
Twin = Annotated[bool, typer.Option("--twin", help="The meter has two elements.")]
UseCaseName = Annotated[
    str | None, typer.Option("--use-case", metavar="NAME", help="The GBCS use case, where a request leaves a choice.")
]
Renumber = Annotated[
    bool, typer.Option("--renumber", help="Give the document its originator's next counter and sign it anew.")
]
RequireSignature = Annotated[
    bool, typer.Option("--require-signature", help="Refuse a document without a valid XML signature of its originator.")
]
AUTO = "auto"
DEFAULT_TIMEOUT_S = 15.0
