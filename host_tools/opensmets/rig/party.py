"""A remote party of the meter: what it asks for goes out as a DUIS document, signed, numbered and protected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opensmets.catalogue.request_content import request_content as content_of
from opensmets.catalogue.request_content import request_variants
from opensmets.cli.answers import exchange
from opensmets.cli.keys import parse_amount
from opensmets.cli.prepare import TOP_UP, Choices, Prepared, prepare, take_counter
from opensmets.cli.shortcuts import FIRST, LAST, SUPPLY_REQUESTS, TOLERANCE_S, Log, Reading, Supply, request_content
from opensmets.duis.compose import Address, compose
from opensmets.duis.document import read_request
from opensmets.errors import SmetsError, UsageError
from opensmets.rig.device import ALERT_TIMEOUT_S, RigDevice
from opensmets.rig.reply import Alert, Reply
from opensmets.security import utrn
from opensmets.security.counters import Counters

ANSWER_TIMEOUT_S = 20.0


class Party:
    """One party of a role. Every request raises Refused when the meter refuses the command by an alert (not authentic,
    no authority), ItemRefused when it refuses an item, and SmetsError when it does not answer.
    """

    def __init__(self, meter: RigDevice, role: str) -> None:
        parties = meter.keystore.by_role(role)
        if not parties:
            raise SmetsError(f"the key store {meter.keystore.path} has no {role}: name another by --smets-keystore")
        self._meter, self.eui, self.role = meter, parties[0].eui, role
        self._counters = Counters(meter.keystore.path)

    def ask(self, request: str, content: Mapping[str, Any] | None = None) -> Reply:
        """Send a service request by its variant (`4.1.1`) or name (`ReadInstantaneousImportRegisters`).

        `content` is nested mappings in the schema's order, as `duis/compose.py` takes them.
        """
        return self._compose(variant_of(request), content or {}, self._counters.next(self.eui))

    def send(self, document: str | bytes | Path) -> Reply:
        """Send a DUIS request document: its text, octets or file. It gets its originator's next counter and signature.

        A top-up and a Signed Pre-Command keep their number, for they bear it inside.
        """
        octets = document.read_bytes() if isinstance(document, Path) else document
        octets = octets.encode() if isinstance(octets, str) else octets
        request = read_request(octets)
        keeps = request.variant == TOP_UP or request.signed_pre_command is not None
        prepared = prepare(octets, self._meter.keystore, Choices(renumber=not keeps), lambda line: None)
        take_counter(prepared, self._meter.keystore)
        return self._exchange(prepared)

    def read(self, what: str, *, log: str = "event", start: datetime = FIRST, end: datetime = LAST) -> Reply:
        """Read what `smets read` reads: registers, supply, log, voltage, balance, ..."""
        return self.ask(*request_content(Reading(what), Log(log), (start, end)))

    def supply(self, action: str) -> Reply:
        """Enable, disable or arm the supply, or ask for its status."""
        return self.ask(SUPPLY_REQUESTS[Supply(action)])

    def top_up(self, pounds: str) -> Reply:
        """Make a UTRN for an amount such as `10.00` and send it."""
        counter = self._counters.next(self.eui, "topup")
        token = utrn.make(self._meter.keystore, self.eui, self._meter.eui, parse_amount(pounds), counter)
        return self._compose(TOP_UP, {"UTRN": token}, counter)

    def commission(self) -> Reply:
        """Set the meter's clock from its hub's, which the rig keeps at the meter's own time."""
        start = self._meter.now() - timedelta(seconds=TOLERANCE_S // 2)
        return self.ask("8.1.1", {"CurrentDateTime": start, "TolerancePeriod": TOLERANCE_S})

    def alert(self, code: int, timeout_s: float = ALERT_TIMEOUT_S) -> Alert:
        """Wait for an alert of a code to this party, verified. Raises SmetsError telling what came instead."""
        return self._meter.alert(code, self.eui, timeout_s)

    def _compose(self, variant: str, content: Mapping[str, Any], counter: int) -> Reply:
        document = compose(variant, content, Address(self.eui, self._meter.eui, counter))
        return self._exchange(prepare(document, self._meter.keystore, Choices(numbered=True), lambda line: None))

    def _exchange(self, prepared: Prepared) -> Reply:
        return Reply(exchange(self._meter.conversation, prepared, ANSWER_TIMEOUT_S))


def variant_of(request: str) -> str:
    """Return the service request variant that a text names. Raises UsageError when there is none, or a choice."""
    if request in request_variants():
        return request
    found = [variant for variant in request_variants() if content_of(variant).body.name == request]
    if len(found) != 1:
        said = f"has a choice: {', '.join(found)}" if found else "is no service request; `smets requests` lists them"
        raise UsageError(f"{request} {said}")
    return found[0]
