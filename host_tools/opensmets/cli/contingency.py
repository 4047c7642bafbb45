"""`smets pki contingency`: the command by which the contingency key replaces a root and all that is under it.

smets pki init NEW
smets pki contingency --device EUI --to NEW | smets send - --port auto
smets read firmware --keystore NEW
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn
from opensmets.cli.keys import Device, choose_device, open_keystore, pki_app
from opensmets.cli.options import Keystore
from opensmets.cli.steps import Form, FormOption, write_message

if TYPE_CHECKING:
    from opensmets.layouts.envelope import Message
    from opensmets.security.keystore import KeyStore


def register(_: typer.Typer) -> None:
    """Add the command of this module to `smets pki`."""
    pki_app.command("contingency")(contingency)


def contingency(
    to: Annotated[Path, typer.Option("--to", metavar="NEW", help="The key store of the new root and parties.")],
    device: Device = None,
    keystore: Keystore = None,
    at: Annotated[
        datetime | None, typer.Option("--at", metavar="TIME", help="When the meter is to do it, UTC [default: at once]")
    ] = None,
    form: FormOption = Form.HEX,
) -> None:
    """Make the command by which a new root, and its parties' credentials, take the place of a compromised one.

    It is CS02b in the mode `any by contingency`, signed with the contingency key of the old root's key store, for
    `smets send`. The device's public keys and the parties' counters are put into the new key store.
    """
    from opensmets.layouts import envelope
    from opensmets.security.keystore import KeyStore, format_eui
    from opensmets.security.protection import protect_command

    old, new = open_keystore(keystore), KeyStore.open(to)
    target = choose_device(old, device)
    command = protect_command(_pre_command(old, new, target, at.replace(tzinfo=UTC) if at else None), old)
    _hand_over(old, new, target, envelope.decode(command))
    warn(f"once {format_eui(target)} has carried it out, its keys and parties are those of {to}")
    write_message(command, form)


def _pre_command(old: KeyStore, new: KeyStore, device: bytes, moment: datetime | None) -> bytes:
    from opensmets.bench.provisioning import ROLE_NUMBERS, cell_certificates, default_anchors
    from opensmets.security import contingency, pki
    from opensmets.security.counters import Counters
    from opensmets.transform.contingency import pre_command

    holder = contingency.holder(old)
    found = [(anchor, each) for anchor in default_anchors(new) for each in cell_certificates(new, anchor)]
    return pre_command(
        device, holder, Counters(old.path).highest(holder) + 1, contingency.symmetric_key(old),
        root=pki.authority_certificate(new), issuers=[pki.authority_certificate(new, pki.ISSUING)],
        replacements=[(ROLE_NUMBERS[anchor.role], *each) for anchor, each in found], moment=moment,
    )  # fmt: skip


def _hand_over(old: KeyStore, new: KeyStore, device: bytes, command: Message) -> None:
    """Put into a key store what its parties need of a device that others spoke to before them, last by `command`."""
    from opensmets.security import pki
    from opensmets.security.counters import Counters

    pki.adopt_device(new, old, device)
    numbers = Counters(new.path)
    numbers.follow(Counters(old.path))
    if numbers.highest(command.originator) < command.counter:
        numbers.use(command.originator, command.counter)
