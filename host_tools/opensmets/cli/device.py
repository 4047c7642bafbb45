"""`smets device run`: a virtual device on a pty, which makes itself a meter when it starts for the first time."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opensmets.cli.console import warn, write, write_json
from opensmets.cli.keys import require_device_key
from opensmets.cli.options import EXIT_CODES, Json, Keystore, home, keystore_path, private_folder
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.bench.control import Frame
    from opensmets.bench.virtual import VirtualDevice
    from opensmets.links import Link
    from opensmets.security.keystore import KeyStore

#: The electricity meter of the reference messages.
DEFAULT_EUI = "00-DB-12-34-56-78-90-A0"
MAX_SPEED = 86_400
ERROR_LOG = "device.log"
LOAD_TABLE = "load.table"
#: What the device's process ends with when its store cannot be used (boards/UNIX/main.py).
STORE_UNUSABLE = 3
#: How often a device that is waited for is looked at: has it ended?
LOOK_S = 0.1

device_app = typer.Typer(help="Virtual devices and boards.", no_args_is_help=True)


class Role(StrEnum):
    """The kinds of device that the firmware can be."""

    ESME = "esme"


class Runtime(StrEnum):
    """The interpreters that run the firmware here."""

    MICROPYTHON = "micropython"
    CPYTHON = "cpython"


class Phases(StrEnum):
    """How many phases a meter measures."""

    ONE = "1"
    THREE = "3"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.add_typer(device_app, name="device")


def open_or_make_keystore(folder: Path) -> KeyStore:
    """Open a key store, made by `pki init` when there is none yet. Raises SmetsError."""
    from opensmets.security import pki
    from opensmets.security.keystore import KeyStore

    if not folder.exists():
        private_folder(folder)
        pki.init(folder)
        warn(f"made test keys in {folder}")
    return KeyStore.open(folder)


class AttendedLink:
    """A link to a device of our own: waiting for it ends as soon as its process has. Raises SmetsError then."""

    def __init__(self, link: Link, device: VirtualDevice) -> None:
        self._link, self._device = link, device

    def send(self, channel: int, payload: bytes) -> None:
        """Send one frame."""
        self._link.send(channel, payload)

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came in time."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            frame = self._link.receive(min(left, LOOK_S))
            if frame is not None:
                return frame
            if not self._device.alive():
                raise SmetsError("the device ended")
        return None


def make_a_meter(
    device: VirtualDevice, keystore: KeyStore, eui: str | None, *, elements: int = 1, phases: int = 1
) -> str:
    """Provision a device unless it is a meter already, and return its EUI as DUIS writes it.

    Raises SmetsError when it is another one than `eui`, or the key store lacks its keys.
    """
    from opensmets.bench.provisioning import provision, who
    from opensmets.links import open_link
    from opensmets.security.keystore import format_eui, parse_eui

    wanted = parse_eui(eui) if eui else None
    with open_link(device.port) as port:
        link = AttendedLink(port, device)
        known = who(link)
        if not known["provisioned"]:
            octets = wanted or parse_eui(DEFAULT_EUI)
            provision(link, keystore, octets, elements=elements, phases=phases)
            warn(f"provisioned {format_eui(octets)} from {keystore.path}")
            return format_eui(octets)
    octets = parse_eui(known["eui"])
    if wanted and octets != wanted:
        raise UsageError(f"the store is that of {format_eui(octets)}, not {format_eui(wanted)}: name another --store")
    require_device_key(keystore, octets)  # without it no command can be made for this meter
    return format_eui(octets)


@device_app.command("run", epilog=EXIT_CODES)
def run(
    role: Annotated[Role, typer.Option(help="What the device is.")] = Role.ESME,
    eui: Annotated[
        str | None, typer.Option(metavar="EUI", help=f"Its EUI-64 at its first start [default: {DEFAULT_EUI}]")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its state lives [default: ~/.opensmets/esme]")
    ] = None,
    keystore: Keystore = None,
    speed: Annotated[int, typer.Option(min=1, max=MAX_SPEED, help="Seconds that pass for it in one.")] = 1,
    runtime: Annotated[Runtime, typer.Option(help="The interpreter that runs the firmware.")] = Runtime.MICROPYTHON,
    elements: Annotated[int, typer.Option(min=1, max=2, help="Measuring elements, at its first start.")] = 1,
    phases: Annotated[Phases, typer.Option(help="Phases, at its first start.")] = Phases.ONE,
    load: Annotated[
        str | None,
        typer.Option(
            metavar="household|W[,W]|FILE",
            help="What it measures: a made household, W in and out, or a CSV file (time,import_w,export_w,voltage_v).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which made household.")] = 1,
    bench: Annotated[bool, typer.Option("--bench", help="Open the bench channel: loads, faults, time.")] = False,
    link: Annotated[
        str | None, typer.Option(metavar="udp:GROUP:PORT", help="A multicast group to be on, instead of a pty.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a virtual device on a pty and print the pty's path; its state survives restarts. Ctrl-C ends it.

    Its clock starts at 2000-01-01 until `smets commission` sets it. With --speed its time runs faster; the hub's stays
    real time. With --load it measures what that says as its time goes on; else nothing, until a bench says so.
    """
    from opensmets.bench.virtual import VirtualDevice

    folder = store or home() / role.value
    _check_folder(folder)
    if link is not None:
        from opensmets.links.radio import parse_group

        parse_group(link)
    log, table = _log_file(folder), _load_table(folder, load, seed)
    device = VirtualDevice(
        folder, role=role.value, runtime=runtime.value, speed=speed, bench=bench, log=log, link=link, load=table
    )
    with device:
        keys = open_or_make_keystore(keystore_path(keystore))
        try:
            found = make_a_meter(device, keys, eui, elements=elements, phases=int(phases))
        except SmetsError:
            _raise_if_ended(device)
            raise
        _serve(device, keys, role, found, as_json)


def _serve(device: VirtualDevice, keys: KeyStore, role: Role, eui: str, as_json: bool) -> None:
    from opensmets.links import Announcement, RunningDevice

    with Announcement(RunningDevice(device.port, eui, role.value, device.pid)):
        fields: dict[str, Any] = {"port": device.port, "eui": eui, "role": role.value, "keystore": str(keys.path)}
        if as_json:
            write_json(fields, lines=True)
        else:
            write(device.port)
        warn(f"{role.value.upper()} {eui} runs on {device.port}; its keys are in {keys.path}; Ctrl-C ends it")
        device.wait()
    _raise_if_ended(device)


def _raise_if_ended(device: VirtualDevice) -> None:
    log = device.store / ERROR_LOG
    raise_if_ended(device, log, f" (see {log})")


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: --store takes a folder")


def _log_file(folder: Path) -> Path:
    private_folder(folder)
    return folder / ERROR_LOG


def _load_table(folder: Path, load: str | None, seed: int) -> Path | None:
    """Write what the device is to measure where it reads it. Raises UsageError, LoadInvalid."""
    if load is None:
        return None
    from opensmets.bench import household, load_table
    from opensmets.cli.household import DEFAULT_LOAD, power_named

    path, power = folder / LOAD_TABLE, power_named(load)
    if load == DEFAULT_LOAD:
        load_table.write_made(path, household.synthetic(seed))
    elif power is not None:
        load_table.write_constant(path, power)
    else:
        load_table.write_csv_rows(path, Path(load))
    return path


def raise_if_ended(device: VirtualDevice, log: Path, hint: str = "") -> None:
    """Raise SmetsError with the last line that a device wrote to `log`, and a hint, when it has ended by itself."""
    if device.alive():
        return
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    said = _plain(lines[-1], device.store) if lines else "it said nothing"
    if device.exit_code == STORE_UNUSABLE:
        raise SmetsError(f"the store cannot be used: {said}; put back a copy of {device.store}, or name a new --store")
    raise SmetsError(f"the device ended: {said}{hint}")


def _plain(line: str, store: Path) -> str:
    """Return what a device said last, without its program's name and its store's path before the file's."""
    return line.removeprefix("main.py: ").removeprefix(f"{store}: ")
