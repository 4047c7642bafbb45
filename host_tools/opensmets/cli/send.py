"""`smets send`: a DUIS request goes to its device, and the verified answer comes back as XML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from opensmets.cli.console import warn, working, write, write_json
from opensmets.cli.keys import open_keystore
from opensmets.cli.message_input import is_xml, message_of, read_source
from opensmets.cli.options import (
    AUTO,
    DEFAULT_TIMEOUT_S,
    EXIT_CODES,
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


#: What `smets send` takes.
DOCUMENT = "a DUIS request document, or a protected command"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("send", epilog=EXIT_CODES)(send)


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

    Alerts that come meanwhile are told on stderr.
    """
    from opensmets.cli.answers import open_talk
    from opensmets.cli.prepare import Choices, prepare
    from opensmets.transform.selection import Inventory

    choices = Choices(require_signature, renumber, inventory=Inventory("ESME", polyphase, twin), use_case=use_case)
    (data, where), store = read_source(request, DOCUMENT), open_keystore(keystore)
    if duis and (as_json or not is_xml(data)):
        raise UsageError("--duis answers a DUIS request in XML: leave out --json, and give a request document")
    if is_xml(data):
        prepare(data, store, replace(choices, rehearse=True), lambda line: None)
    else:
        command = message_of(data, where, DOCUMENT)
    prepared = None
    with open_talk(port, store, pcap, hub_time=not no_hub_time) as (conversation, alerts):
        if is_xml(data):
            prepared, answer = _exchange_document(conversation, data, choices, timeout)
        else:
            answer = _exchange_command(conversation, command, timeout)
    answer.alerts.extend(alerts)
    if prepared and (duis or answer.document is None) and not as_json:
        _write_duis(prepared, answer)
    show(answer, as_json=as_json, as_xml=not duis)
    raise typer.Exit(answer.exit_code)


def _exchange_document(
    conversation: Conversation, data: bytes, choices: Choices, timeout_s: float
) -> tuple[Prepared, Answer]:
    """Make a document's command, take its counter, send it; only then say what was done to the document."""
    from opensmets.cli.answers import exchange
    from opensmets.cli.prepare import prepare, take_counter

    notes: list[str] = []
    prepared = prepare(data, conversation.keystore, choices, notes.append)
    take_counter(prepared, conversation.keystore)
    for note in notes:
        warn(note)
    with working(f"{prepared.use_case.name} is sent, waiting for the device") as conversation.on_progress:
        return prepared, exchange(conversation, prepared, timeout_s)


def _exchange_command(conversation: Conversation, command: bytes, timeout_s: float) -> Answer:
    """Take the counter of a command that is protected already, send it, and return its answer."""
    from opensmets.cli.answers import exchange_command, take_counter_of

    take_counter_of(command, conversation.keystore)
    with working("the command is sent, waiting for the device") as conversation.on_progress:
        return exchange_command(conversation, command, timeout_s)


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
        for line in answer.refusals() or ["an item: see the response"]:
            warn(f"the device refused {line}")
