"""`smets listen`: a device's alerts as they come, verified."""

from __future__ import annotations

from typing import Annotated

import typer

from opensmets.cli.console import warn, write, write_json
from opensmets.cli.keys import open_keystore
from opensmets.cli.options import AUTO, EXIT_CODES, Json, Keystore, NoHubTime, Pcap, Port


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command("listen", epilog=EXIT_CODES)(listen)


def listen(
    port: Port = AUTO,
    keystore: Keystore = None,
    pcap: Pcap = None,
    as_json: Json = False,
    no_hub_time: NoHubTime = False,
    han: Annotated[bool, typer.Option("--han", help="Write what it announces to its home area network, too.")] = False,
    count: Annotated[int | None, typer.Option(metavar="N", min=1, help="End after N of what is written.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=0.0, help="End after this time.")
    ] = None,
) -> None:
    """Write the alerts of a device as they come, verified, as XML documents or with --json one line each.

    An alert that is not authentic is told on stderr and passed over. Ctrl-C ends it.

    With --han also the events that the meter announces to the devices in the house, each an element HANEvent. Nothing
    protects those on our link: they are what an in-home display shows, and no proof of anything.

    The port is the listener's alone: nobody can send meanwhile. What brings an alert is the meter itself (a change that
    is due, a tamper); `send`, `topup` and the others tell the alerts that come with their answers.
    """
    from opensmets.cli.answers import alert_document, han_event_document
    from opensmets.cli.conversation import Verified, open_conversation
    from opensmets.cli.xml_view import as_json as document_as_json

    store, seen = open_keystore(keystore), 0
    with open_conversation(port, store, pcap=pcap, hub_time=not no_hub_time, on_log=warn) as conversation:
        warn(f"listening on {conversation.link.port}")
        for heard in conversation.hear(seconds):
            if isinstance(heard, Verified):
                document = alert_document(heard)
            elif han:
                document = han_event_document(heard)
            else:
                continue
            if as_json:
                write_json(document_as_json(document), lines=True)
            else:
                write(document)
            seen += 1
            if seen == count:
                return
