"""The device that a scenario is played on: fresh for each, with keys of its own and the reference's parties."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from opensmets.bench.control import MESSAGES, Bench, Frame, send_hub_time
from opensmets.bench.provisioning import Anchors, provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.blocks import Incoming
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import blocks, envelope
from opensmets.layouts.blocks import Block
from opensmets.layouts.envelope import RESPONSE, Message
from opensmets.links import open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import add_mac

#: How long a device may take for a batch of attacks: on a machine with much else to do it gets little of it.
PATIENCE_S = 120.0


def _private_copy(source: Path, target: Path, eui: bytes) -> KeyStore:
    """Make a key store that links to every file of another but those of the device, whose keys will be new."""
    target.mkdir()
    for file in source.iterdir():
        if file.is_file() and not file.name.startswith(eui.hex()):
            os.symlink(file.resolve(), target / file.name)
    return KeyStore.open(target)


class DeviceUnderTest:
    """A virtual meter of one scenario, its link, its bench and a key store that knows its keys."""

    def __init__(
        self,
        keystore: Path,
        eui: bytes,
        *,
        runtime: str,
        anchors: list[Anchors] | None = None,
        elements: int = 1,
        phases: int = 1,
        certified: bool = False,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="smets-conformance-"))
        self.keystore = _private_copy(keystore, self._folder / "keys", eui)
        if certified:
            pki.init_device_issuer(self.keystore)
        self._device = VirtualDevice(self._folder / "store", runtime=runtime, bench=True)
        self._received: list[bytes] = []
        self._incoming: Incoming | None = None
        self.signed_only = False
        try:
            self._device.start()
            self._link = open_link(self._device.port, write_timeout_s=PATIENCE_S)
            provision(self._link, self.keystore, eui, anchors=anchors, elements=elements, phases=phases)
        except BaseException:
            self._remove()
            raise
        self.bench = Bench(self._link, self._on_frame, PATIENCE_S)

    def __enter__(self) -> DeviceUnderTest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()
        self._remove()

    def _remove(self) -> None:
        self._device.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _on_frame(self, frame: Frame) -> None:
        if int(frame.channel) != MESSAGES:
            return
        if blocks.is_block(frame.payload):
            self._take_block(blocks.decode(frame.payload))
        else:
            self._received.append(frame.payload)

    def _take_block(self, block: Block) -> None:
        """Put a long message together, and confirm what is here of it; the link loses nothing."""
        if block.ends:
            self._incoming = None
        if not block.octets:
            return
        self._incoming = self._incoming or Incoming()
        confirmation = self._incoming.take(block)
        if confirmation:
            self._link.send(MESSAGES, blocks.encode(confirmation))
        if self._incoming.done:
            self._received.append(self._incoming.octets)
            self._incoming = None

    def set_time(self, time_s: int) -> None:
        """Set the meter's clock and give it the same hub time, seconds since 2000."""
        self.bench.set_time(time_s)
        send_hub_time(self._link, time_s)

    def restart(self) -> None:
        """End the program at once and boot again with the same store: an outage would be an event of its own."""
        self._device.restart("program")

    def with_mac(self, message: Message) -> bytes:
        """Return a message MACed for this device's own keys; the signature stays as it is.

        While `signed_only`, commands are left without: some go straight to the device, not through the ACB.
        """
        bare = replace(message, mac=None, raw=b"")
        return envelope.encode(bare if self.signed_only else add_mac(bare, self.keystore))

    def send(self, messages: Iterable[bytes]) -> dict[str, Any]:
        """Send messages without waiting for answers and return the device's status when it has dealt with all."""
        for message in messages:
            self._link.send(MESSAGES, message)
        return self.bench.status()

    def take(self) -> list[Message]:
        """Return the messages that arrived since the last call."""
        self.bench.status()  # frames are dealt with in order: what was due has come when this is answered
        while self._incoming:
            self.bench.status()  # or the next window has
        taken, self._received = self._received, []
        return [envelope.decode(octets) for octets in taken]

    def ask(self, command: bytes) -> Message:
        """Send one command and return its response; alerts stay to be taken. Raises Mismatch when there is none."""
        self.send([command])
        messages = self.take()
        responses = [message for message in messages if message.cra_flag == RESPONSE]
        self._received = [message.raw for message in messages if message.cra_flag != RESPONSE]
        if len(responses) != 1:
            raise Mismatch(f"{len(responses)} responses to one command (device: {self._trouble()})")
        return responses[0]

    def _trouble(self) -> str:
        """Return what the device's counters and its last line of error output say."""
        lines = self._device.errors().strip().splitlines()
        return f"refused {self.bench.status().get('refused')}{'; ' + lines[-1] if lines else ''}"
