"""`smets pki` and `smets utrn`: test keys and certificates, and the top-up tokens made with them."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opensmets.cli.console import warn, write, write_json
from opensmets.cli.options import As, Json, Keystore, keystore_path
from opensmets.errors import UsageError

if TYPE_CHECKING:
    from opensmets.security.keystore import KeyStore

#: Pounds and pence, as people write them.
_AMOUNT = re.compile(r"£?([0-9]{1,7})(?:\.([0-9]{1,2}))?")

pki_app = typer.Typer(help="Test keys and certificates (a small SMKI).", no_args_is_help=True)
utrn_app = typer.Typer(help="Prepayment top-up tokens.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.add_typer(pki_app, name="pki")
    app.add_typer(utrn_app, name="utrn")


def open_keystore(given: Path | None) -> KeyStore:
    """Open the given key store, or the default one. Raises SmetsError when there is none."""
    from opensmets.security.keystore import KeyStore

    return KeyStore.open(keystore_path(given))


def choose_supplier(keystore: KeyStore, given: str | None) -> bytes:
    """Return the EUI of the remote party that asks: the given one, else the first supplier whose keys are there.

    Raises SmetsError when it is no EUI, or the key store has nobody to choose.
    """
    from opensmets.security.keystore import MissingKey, parse_eui

    if given is not None:
        return parse_eui(given)
    suppliers = keystore.by_role("supplier")
    if not suppliers:
        raise MissingKey(f"no supplier with its private keys in {keystore.path}: name the party that asks with --as")
    return suppliers[0].eui


def require_device_key(keystore: KeyStore, device: bytes) -> None:
    """Raise MissingKey unless the key store has the device's key that every command for it needs."""
    from opensmets.security.keystore import MissingKey

    try:
        keystore.public_key(device, "ka")
    except MissingKey as error:
        raise MissingKey(f"{error}; this device's keys may be elsewhere: give --keystore DIR") from None


def choose_device(keystore: KeyStore, given: str | None) -> bytes:
    """Return the EUI of the device: the given one, else the key store's only one. Raises SmetsError, UsageError."""
    from opensmets.security.keystore import format_eui, parse_eui

    if given is not None:
        return parse_eui(given)
    devices = [party.eui for party in keystore.parties() if party.role is None and "ka" in party.usages]
    if len(devices) != 1:
        told = ", ".join(format_eui(eui) for eui in devices[:4]) + (", ..." if len(devices) > 4 else "")
        raise UsageError(
            f"{keystore.path} has {len(devices)} devices{f' ({told})' if told else ''}: name one with --device"
        )
    return devices[0]


def parse_amount(text: str) -> int:
    """Return an amount of money in pence, from pounds such as `10` or `10.50`. Raises UsageError."""
    match = _AMOUNT.fullmatch(text.strip())
    pence = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else 0
    if not pence:
        raise UsageError(f"{text!r} is no amount in pounds: write it like 10.00")
    return pence


@pki_app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty folder, or one to be made.")],
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of validity [default: today]")
    ] = None,
) -> None:
    """Make a test SMKI: root, issuing authorities, suppliers, network operator and the DCC's parties."""
    from datetime import UTC

    from opensmets.security import pki
    from opensmets.security.keystore import format_eui

    keystore = pki.init(folder, start=start.replace(tzinfo=UTC) if start else None)
    for party in keystore.parties(private=True):
        write(f"{format_eui(party.eui)}  {party.role or 'device':17}  {party.name}")
    warn(f"test keys are in {folder}; they protect nothing but a bench")


@pki_app.command("list")
def list_parties(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A key store.")] = None,
    keystore: Keystore = None,
    as_json: Json = False,
) -> None:
    """List the parties of a key store: whose certificates and private keys it has, and the counters used."""
    rows = [_party_row(party, store) for store in [open_keystore(folder or keystore)] for party in store.parties()]
    if as_json:
        write_json(rows)
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        for row in rows:
            write("  ".join(str(value) for value in _columns(row)))


def _party_row(party: Any, store: KeyStore) -> dict[str, Any]:
    from opensmets.security.counters import Counters
    from opensmets.security.keystore import format_eui

    counters = Counters(store.path)
    return {
        "eui": format_eui(party.eui), "role": party.role or "device", "name": party.name,
        "certificates": list(party.usages), "private_keys": list(party.private_usages),
        "counter": counters.highest(party.eui), "topup_counter": counters.highest(party.eui, "topup"),
    }  # fmt: skip


def _columns(row: dict[str, Any]) -> list[str]:
    return [
        row["eui"],
        f"{row['role']:17}",
        f"certificates {','.join(row['certificates']) or '-':11}",
        f"private {','.join(row['private_keys']) or '-':11}",
        f"counter {row['counter']}",
    ]


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    eui = Column("EUI-64", no_wrap=True, min_width=23)
    table = Table(eui, "role", "name", "certificates", "private keys", "counter")
    for row in rows:
        usages = (" ".join(row["certificates"]), " ".join(row["private_keys"]))
        table.add_row(row["eui"], row["role"], row["name"], *usages, str(row["counter"] or ""))
    Console().print(table)


Device = Annotated[str | None, typer.Option("--device", metavar="EUI", help="The meter [default: the only one]")]


@utrn_app.command("make")
def make(
    amount: Annotated[str, typer.Argument(metavar="POUNDS", help="The credit, such as 10.00.")],
    device: Device = None,
    supplier: As = None,
    keystore: Keystore = None,
    counter: Annotated[
        int | None, typer.Option(metavar="N", help="The token's originator counter [default: the next one]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a 20-digit UTRN with the supplier's prepayment key."""
    from opensmets.security import utrn
    from opensmets.security.counters import Counters
    from opensmets.security.utrn import COUNTER_STEP

    amount_pence, store = parse_amount(amount), open_keystore(keystore)
    originator, target = choose_supplier(store, supplier), choose_device(store, device)
    require_device_key(store, target)
    utrn.make(store, originator, target, amount_pence, COUNTER_STEP)  # so that what cannot be made takes no counter
    number = Counters(store.path).next(originator, "topup") if counter is None else counter
    token = utrn.make(store, originator, target, amount_pence, number)
    if as_json:
        write_json(
            {"utrn": token, "amount_pence": amount_pence, "counter": number, "device": target, "supplier": originator}
        )
    else:
        write(token)


@utrn_app.command("check")
def check(
    token: Annotated[str, typer.Argument(metavar="UTRN", help="20 digits; spaces and dashes are passed over.")],
    device: Device = None,
    supplier: As = None,
    keystore: Keystore = None,
    as_json: Json = False,
) -> None:
    """Take a UTRN apart; with --device or --keystore, verify that the supplier made it for that meter."""
    from opensmets.security import utrn

    ptut, counter = utrn.read(token), None
    verified = device is not None or keystore is not None
    if verified:
        store = open_keystore(keystore)
        ptut, counter = utrn.check(store, choose_supplier(store, supplier), choose_device(store, device), token)
    fields = {
        "amount_pence": ptut.value_pence, "truncated_counter": ptut.truncated_counter, "counter": counter,
        "verified": verified,
    }  # fmt: skip
    if as_json:
        write_json(fields)
    else:
        pounds, pence = divmod(ptut.value_pence, 100)
        told = "the supplier's for this meter" if verified else "well formed; its tag was not verified (give --device)"
        write(f"£{pounds}.{pence:02d}, counter bits {ptut.truncated_counter}: {told}")
