"""The stage of the tour: a meter in a process of its own, a key store, a conversation, and what is expected of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from opensmets.bench.control import Bench
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.answers import Answer, alert_document, exchange
from opensmets.cli.conversation import EPOCH, Conversation, Verified, open_conversation
from opensmets.cli.device import raise_if_ended
from opensmets.cli.prepare import Choices, Prepared, prepare
from opensmets.cli.xml_view import read_document
from opensmets.duis.compose import Address, compose
from opensmets.errors import SmetsError
from opensmets.security import pki
from opensmets.security.counters import Counters, Kind
from opensmets.security.keystore import KeyStore

TIMEOUT_S = 20.0
ALERT_TIMEOUT_S = 5.0
DEVICE = bytes.fromhex("00db1234567890a0")


class DemoFailed(SmetsError):
    """A step of the tour did not verify."""


def expect(true: bool, what: str) -> None:
    """Raise DemoFailed saying what did not hold."""
    if not true:
        raise DemoFailed(f"the demo did not verify: {what}")


@dataclass
class Scene:
    """What every step of the tour works with. `alerts` are the verified ones not yet spoken of."""

    folder: Path
    keystore: KeyStore
    device: VirtualDevice
    conversation: Conversation
    bench: Bench
    alerts: list[Verified] = field(default_factory=list)
    last: Prepared | None = None
    _documents: int = 0

    @property
    def supplier(self) -> bytes:
        """The EUI of the meter's supplier."""
        return self.keystore.by_role("supplier")[0].eui

    def now(self) -> datetime:
        """Return the meter's time, in UTC."""
        return EPOCH + timedelta(seconds=int(self.bench.status()["time_s"]))

    def make(
        self, variant: str, content: dict[str, Any], originator: bytes | None = None, counter: int | None = None
    ) -> Prepared:
        """Write a request document, sign it, and make its command."""
        party = originator or self.supplier
        number = Counters(self.keystore.path).next(party) if counter is None else counter
        document = compose(variant, content, Address(party, DEVICE, number))
        prepared = prepare(document, self.keystore, Choices(numbered=True), lambda line: None)
        self._keep("request", prepared.document)
        return prepared

    def ask(self, variant: str, content: dict[str, Any], counter: int | None = None) -> Answer:
        """Send a request as a DUIS document and return its verified answer, which must refuse nothing."""
        self.last = self.make(variant, content, counter=counter)
        answer = exchange(self.conversation, self.last, TIMEOUT_S)
        expect(answer.document is not None, f"the answer to {variant} is not read yet: {answer.unread}")
        self._keep("response", answer.document or b"")
        expect(not answer.refused, f"the meter refused an item of {variant}")
        message = answer.verified.message
        signed, maced = bool(message.signature), message.mac is not None
        expect(
            signed if answer.use_case.critical else maced, f"the answer to {variant} has not its use case's protection"
        )
        return answer

    def next_counter(self, kind: Kind) -> int:
        """Take the supplier's next counter."""
        return Counters(self.keystore.path).next(self.supplier, kind)

    def expect_alert(self, code: int) -> Verified:
        """Wait for a verified alert of this code and return it, or fail."""
        if not any(alert_code(alert) == code for alert in self.alerts):
            for _ in self.conversation.listen(ALERT_TIMEOUT_S):
                if any(alert_code(alert) == code for alert in self.alerts):
                    break
        found = next((alert for alert in self.alerts if alert_code(alert) == code), None)
        if found is None:
            told = ", ".join(f"0x{alert_code(alert):04X}" for alert in self.alerts) or "none"
            raise DemoFailed(f"the demo did not verify: no alert 0x{code:04X} came, but {told}")
        self.alerts.clear()
        self._keep("alert", alert_document(found))
        return found

    def supply_state(self) -> str:
        """Read the supply's state over the wire."""
        root = read_document(self.ask("7.4", {}).document or b"")
        return root.findtext(".//{*}SupplyState") or "?"

    def _keep(self, kind: str, document: bytes) -> None:
        self._documents += 1
        (self.folder / f"{self._documents:02d}-{kind}.xml").write_bytes(document)


def alert_code(alert: Verified) -> int:
    """Return the code of an alert."""
    text = read_document(alert_document(alert)).findtext(".//{*}GBCSHexAlertCode")
    return int(text or "0", 16)


def open_scene(stack: ExitStack, folder: Path, runtime: str, say: Callable[[str], None]) -> Scene:
    """Make test keys and a new meter in `folder`, boot it, provision it, and open a conversation with it."""
    keystore = pki.init(folder / "keystore")
    device = stack.enter_context(VirtualDevice(folder / "meter", runtime=runtime, bench=True, log=folder / "meter.log"))
    alerts: list[Verified] = []
    pcap = folder / "capture.pcapng"
    conversation = stack.enter_context(
        open_conversation(device.port, keystore, pcap=pcap, hub_time=False, on_alert=alerts.append, on_log=say)
    )
    try:
        provision(conversation.link, keystore, DEVICE)
    except SmetsError:
        raise_if_ended(device, folder / "meter.log")
        raise
    return Scene(folder, keystore, device, conversation, Bench(conversation.link, conversation.take_frame), alerts)
