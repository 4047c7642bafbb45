"""`smets transform`, `smets sign`, `smets protect`: the road of `smets send` in steps, with your own signer between.

smets transform request.xml > pre-command.hex
smets sign pre-command.hex > signed.hex           or your own signer
smets protect signed.hex > command.hex
smets send command.hex --port auto
"""

from __future__ import annotations

import base64
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import read_input, warn, write
from opensmets.cli.keys import open_keystore
from opensmets.cli.message_input import is_xml, message_of, read_message, read_source
from opensmets.cli.options import EXIT_CODES, DeviceType, Keystore, Polyphase, Twin, UseCaseName
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.security.keystore import KeyStore

#: Octets in which a document says what it is.
MAX_PROLOGUE = 1024


class Form(StrEnum):
    """How a message is written."""

    HEX = "hex"
    BASE64 = "base64"
    BINARY = "binary"
    XML = "xml"


FormOption = Annotated[
    Form, typer.Option("--form", help="How to write it; xml is a DUIS document that bears it, where there is one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("transform", epilog=EXIT_CODES)(transform)
    app.command("sign", epilog=EXIT_CODES)(sign)
    app.command("protect", epilog=EXIT_CODES)(protect)


def write_message(octets: bytes, form: Form) -> None:
    """Write a message to stdout."""
    if form is Form.BINARY:
        sys.stdout.buffer.write(octets)
        sys.stdout.flush()
    elif form is Form.BASE64:
        write(base64.b64encode(octets).decode())
    else:
        write(octets.hex().upper())


def transform(
    request: Annotated[str, typer.Argument(metavar="REQUEST.xml", help="A DUIS request document, or - for stdin.")],
    keystore: Keystore = None,
    device_type: DeviceType = "ESME",
    polyphase: Polyphase = False,
    twin: Twin = False,
    use_case: UseCaseName = None,
    form: FormOption = Form.HEX,
) -> None:
    """Make the pre-command of a DUIS request: what its originator signs, or what gets a MAC as it is.

    Without --keystore nobody's counter is taken, and a command that the access control broker originates is refused.
    """
    from opensmets.cli.prepare import Choices, transformed
    from opensmets.duis.document import read_request
    from opensmets.duis.response import build_pre_command_response, serialise
    from opensmets.transform.selection import Inventory

    read = read_request(read_input(request))
    store = open_keystore(keystore) if keystore else None
    made = transformed(read, store, Choices(inventory=Inventory(device_type, polyphase, twin), use_case=use_case))
    warn(f"{made.use_case.name} {made.use_case.title}: {'to be signed' if made.critical else 'needs no signature'}")
    if form is Form.XML:
        write(serialise(build_pre_command_response(read, made.octets)))
    else:
        write_message(made.octets, form)


def sign(
    source: Annotated[
        str, typer.Argument(metavar="FILE|HEX|BASE64|-", help="A pre-command, or a DUIS request or response document.")
    ],
    keystore: Keystore = None,
    form: FormOption = Form.HEX,
) -> None:
    """Sign a pre-command with its originator's key, or a DUIS request document with its originator's XML signature.

    With --form xml, a signed pre-command is written as the signed DUIS document that carries it.
    """
    from opensmets.security.protection import sign_precommand

    store, (data, where) = open_keystore(keystore), read_source(source)
    if is_xml(data) and b":Response" not in data[:MAX_PROLOGUE]:
        write(_signed_request(data, store))
        return
    signed = sign_precommand(_pre_command_of(data) if is_xml(data) else message_of(data, where), store)
    if form is Form.XML:
        write(_signed_pre_command_document(signed, store))
    else:
        write_message(signed, form)


def protect(
    pre_command: Annotated[
        str, typer.Argument(metavar="FILE|HEX|BASE64|-", help="A pre-command, signed or not to be signed.")
    ],
    keystore: Keystore = None,
    form: FormOption = Form.HEX,
) -> None:
    """Make the command that goes to the device: the signed pre-command with the access control broker's MAC."""
    from opensmets.layouts import envelope
    from opensmets.security.protection import protect_command, use_case_of

    store, octets = open_keystore(keystore), read_message(pre_command)
    message = envelope.decode(octets)
    if message.is_precommand and use_case_of(message, store).critical:
        raise SmetsError("the pre-command is critical and not signed yet: `smets sign` it first")
    if form is Form.XML:
        raise UsageError("a protected command has no DUIS document: choose hex, base64 or binary")
    write_message(protect_command(octets, store), form)


def _signed_request(data: bytes, store: KeyStore) -> bytes:
    from opensmets.cli.prepare import sign_document
    from opensmets.duis.document import read_request

    request = read_request(data)
    return sign_document(request.document, request.originator, store)


def _pre_command_of(document: bytes) -> bytes:
    from opensmets.duis.response import read_response

    response = read_response(document)
    if response.kind != "PreCommand" or response.payload is None:
        raise UsageError("the response document holds no PreCommand to sign")
    return response.payload


def _signed_pre_command_document(signed: bytes, store: KeyStore) -> bytes:
    """Return the signed DUIS request that carries a signed pre-command. Raises UsageError when DUIS has none for it."""
    from opensmets.cli.prepare import sign_document
    from opensmets.duis.compose import Address, compose_signed_pre_command
    from opensmets.duis.document import read_request
    from opensmets.layouts import envelope
    from opensmets.security.protection import use_case_of

    message = envelope.decode(signed)
    variant = use_case_of(message, store).service_request
    if variant is None:
        raise UsageError(f"message code {message.message_code:04X} has no service request, so no document: choose hex")
    address = Address(message.originator, message.recipient, message.counter)
    request = read_request(compose_signed_pre_command(variant, signed, address))
    return sign_document(request.document, request.originator, store)
