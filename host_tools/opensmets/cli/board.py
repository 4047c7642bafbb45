"""`smets device provision`, `list` and `log`: what a board needs besides commands, and a virtual device as well."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from opensmets.cli.console import warn, working, write, write_json
from opensmets.cli.device import DEFAULT_EUI, Phases, device_app, open_or_make_keystore
from opensmets.cli.options import AUTO, EXIT_CODES, Json, Keystore, Port, keystore_path
from opensmets.errors import SmetsError, UsageError

WHO_TIMEOUT_S = 1.5
LOG_TIMEOUT_S = 3.0
CRASH_LOGS = ("store/crash.old", "store/crash.log")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `smets device`."""
    device_app.command("provision", epilog=EXIT_CODES)(provision)
    device_app.command("list")(list_devices)
    device_app.command("log", epilog=EXIT_CODES)(log)


def provision(
    port: Port = AUTO,
    keystore: Keystore = None,
    eui: Annotated[str, typer.Option(metavar="EUI", help="The EUI-64 that it gets.")] = DEFAULT_EUI,
    elements: Annotated[int, typer.Option(min=1, max=2, help="Measuring elements.")] = 1,
    phases: Annotated[Phases, typer.Option(help="Phases.")] = Phases.ONE,
    as_json: Json = False,
) -> None:
    """Make a board a meter: it gets its name and its trust anchors, makes its own keys, and has them certified.

    Done once; the keys stay on the board. Its public ones are kept in the key store.
    """
    from opensmets.bench.provisioning import provision as carry_out
    from opensmets.links import open_link
    from opensmets.security.keystore import format_eui, parse_eui

    octets, keys = parse_eui(eui), open_or_make_keystore(keystore_path(keystore))
    try:
        with open_link(port) as link, working(f"provisioning {format_eui(octets)} on {link.port}", quiet=as_json):
            carry_out(link, keys, octets, elements=elements, phases=int(phases))
            port = link.port
    except KeyboardInterrupt:
        warn("ended before it was a meter: repeat it, what was begun is forgotten then")
        raise
    if as_json:
        write_json({"port": port, "eui": format_eui(octets), "keystore": str(keys.path)})
    else:
        warn(f"{format_eui(octets)} on {port} is a meter now; its public keys are in {keys.path}")


def list_devices(as_json: Json = False) -> None:
    """List the virtual devices that run and the boards that are plugged in, and what they are."""
    from opensmets.links.finding import candidates

    found = [{"port": port, "what": what, **_identity(port, what)} for port, what in candidates()]
    if as_json:
        write_json(found)
        return
    for each in found:
        write(f"{each['port']:<20}{each['what']:<42}{each['state']}")
    if not found:
        warn("no board and no virtual device found: plug one in, or run `smets device run`")


def _identity(port: str, what: str) -> dict[str, Any]:
    """Ask who is at a port, unless somebody else talks to it."""
    from opensmets.bench.control import PROVISIONING, Caller, NoAnswer
    from opensmets.links import open_link
    from opensmets.links.runtime import PortBusy
    from opensmets.security.keystore import format_eui

    try:
        with open_link(port) as link:
            known = Caller(link, PROVISIONING)("who", timeout_s=WHO_TIMEOUT_S)
    except PortBusy:
        return {"eui": None, "state": "in use"}
    except NoAnswer:
        return {"eui": None, "state": "no meter answers: it is at its prompt, or without an image"}
    except (SmetsError, ValueError) as error:
        return {"eui": None, "state": str(error)}
    eui = format_eui(bytes.fromhex(known["eui"])) if known["eui"] else None
    state = f"meter {eui}" if known["provisioned"] else "to be provisioned: smets device provision"
    return {"eui": eui, "state": state}


def log(port: Port = AUTO, as_json: Json = False) -> None:
    """Write the errors that a device survived, or did not, with the meter's time (seconds since 2000).

    A meter that runs tells them itself; of a board that is at its prompt the log's files are read.
    """
    from opensmets.bench.tracebacks import in_source_names
    from opensmets.links.finding import resolve_port

    path = resolve_port(port)
    lines = _told(path)
    if lines is None:
        lines = _read(path)
    lines = [in_source_names(line) for line in lines]
    if as_json:
        write_json(lines)
    elif lines:
        write("\n".join(lines))
    else:
        warn(f"{path} has no errors to tell")


def _told(port: str) -> list[str] | None:
    """Return the log's lines as the device at `port` tells them, None when nothing answers."""
    from opensmets.bench.control import LOG
    from opensmets.links import open_link

    lines: list[str] = []
    deadline = time.monotonic() + LOG_TIMEOUT_S
    with open_link(port) as link:
        link.send(LOG, b"")
        while (left := deadline - time.monotonic()) > 0:
            frame = link.receive(left)
            if frame is None or int(frame.channel) != LOG:
                continue
            if not frame.payload:
                return lines
            lines.append(bytes(frame.payload).decode(errors="replace"))
    return None


def _read(port: str) -> list[str]:
    """Return the log's lines from the files of the board at `port`. Raises SmetsError when it is not at its prompt."""
    from opensmets.cli.flash import open_prompt

    with open_prompt(port) as prompt:
        if not prompt.digests("main.py"):
            raise UsageError(f"the board at {port} has no OpenSMETS image: make flash puts one there")
        found = [prompt.read(path) or b"" for path in CRASH_LOGS]
    return [line for line in b"".join(found).decode(errors="replace").splitlines() if line]
