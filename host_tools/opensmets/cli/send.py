"""`smets send`: a DUIS request goes to its device, and the verified answer comes back as XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, working, write, write_json
from opensmets.cli.keys import open_keystore
from opensmets.cli.message_input import is_xml, message_of, read_source
from opensmets.cli.options import (
    AUTO,
    DEFAULT_TIMEOUT_S,
    Json,
    Keystore,
    NoHubTime,
    Pcap,
    Polyphase,
    Port,
    Renumber,
    RequireSignature,
    Timeout,
    Twin,
    UseCaseName,
)
from opensmets.errors import UsageError

if TYPE_CHECKING:
    from opensmets.cli.answers import Answer
    from opensmets.cli.conversation import Conversation
    from opensmets.cli.prepare import Choices, Prepared
    from opensmets.security.keystore import KeyStore


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("send")(send)


def send(
    request: Annotated[
        str,
        typer.Argument(metavar="REQUEST.xml|-", help="A DUIS request or Signed Pre-Command, or a protected command."),
    ],
    port: Port = AUTO,
    keystore: Keystore = None,
    pcap: Pcap = None,
    renumber: Renumber = False,
    require_signature: RequireSignature = False,
    duis: Annotated[
        bool, typer.Option("--duis", help="Write the DUIS response with the message as it came, not what it says.")
    ] = False,
    as_json: Json = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    no_hub_time: NoHubTime = False,
    polyphase: Polyphase = False,
    twin: Twin = False,
    use_case: UseCaseName = None,
) -> None:
    """Send a DUIS request to a device and write the answer, verified and decrypted, as MMC XML.

    Exit code 0: done; 1: failed or refused; 2: wrong usage; 3: the device answered but refused an item.
    """
    from opensmets.cli.answers import open_talk
    from opensmets.cli.prepare import Choices
    from opensmets.transform.selection import Inventory

    choices = Choices(require_signature, renumber, inventory=Inventory("ESME", polyphase, twin), use_case=use_case)
    (data, where), store = read_source(request), open_keystore(keystore)
    prepared = _prepared(data, store, choices) if is_xml(data) else None
    if duis and (as_json or prepared is None):
        raise UsageError("--duis answers a DUIS request in XML: leave out --json, and give a request document")
    command = b"" if prepared else message_of(data, where)
    with open_talk(port, store, pcap, hub_time=not no_hub_time) as (conversation, alerts):
        answer = _exchange(conversation, prepared, command, timeout)
        answer.alerts.extend(alerts)
    if prepared and (duis or answer.document is None) and not as_json:
        _write_duis(prepared, answer)
    show(answer, as_json=as_json, as_xml=not duis)
    raise typer.Exit(answer.exit_code)


def _prepared(data: bytes, store: KeyStore, choices: Choices) -> Prepared:
    from opensmets.cli.prepare import prepare

    return prepare(data, store, choices, warn)


def _exchange(conversation: Conversation, prepared: Prepared | None, command: bytes, timeout_s: float) -> Answer:
    """Take the counter of a request, or of a command that is protected already, send it, and return its answer."""
    from opensmets.cli.answers import exchange, exchange_command, take_counter_of
    from opensmets.cli.prepare import take_counter

    if prepared is None:
        take_counter_of(command, conversation.keystore)
        with working("the command is sent, waiting for the device"):
            return exchange_command(conversation, command, timeout_s)
    take_counter(prepared, conversation.keystore)
    with working(f"{prepared.use_case.name} is sent, waiting for the device"):
        return exchange(conversation, prepared, timeout_s)


def _write_duis(prepared: Prepared, answer: Answer) -> None:
    from opensmets.cli.answers import duis_response

    write(duis_response(prepared.request, answer.verified))


def show(answer: Answer, *, as_json: bool, as_xml: bool) -> None:
    """Write an answer as JSON or as its document; say on stderr what it was worth."""
    if as_json:
        write_json(answer.as_json())
    elif as_xml and answer.document is not None:
        write(answer.document)
    if answer.unread:
        warn(f"{answer.unread}; the message is verified and stands as it came")
    if answer.refused:
        warn(f"the device answered {answer.use_case.name}, and refused an item: see the response")
