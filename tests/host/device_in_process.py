"""The electricity meter's own code in this process, on CPython, with the reference parties in its cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from opensmets.bench.control import BENCH, MESSAGES, PROVISIONING
from opensmets.bench.provisioning import Anchors, provision
from opensmets.blocks import Incoming, Outgoing
from opensmets.layouts import envelope
from opensmets.layouts.blocks import MAX_WHOLE, Block, is_block
from opensmets.layouts.blocks import decode as decode_block
from opensmets.layouts.blocks import encode as encode_block
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.links.framing import FrameReader, encode_frame
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import add_mac
from smets.roles.esme import Esme

TIME_S = 473385600  # 2015-01-01T00:00:00Z, when the reference messages happen


class _Pipe:
    """A link driver over two byte strings."""

    def __init__(self) -> None:
        self.to_device, self.from_device = bytearray(), bytearray()

    def readinto(self, buffer: bytearray, timeout_ms: int) -> int:
        count = min(len(buffer), len(self.to_device))
        buffer[:count] = self.to_device[:count]
        del self.to_device[:count]
        return count

    def write(self, data: bytes) -> None:
        self.from_device += bytes(data)


class InProcess:
    """One device on `store`. It has the `send` and `receive` of a link, so that the bench's tools work on it."""

    def __init__(self, store: Path, *, bench: bool = True) -> None:
        self.pipe, self._reader, self._frames = _Pipe(), FrameReader(), list[Frame]()
        self.esme = Esme(self.pipe, str(store), None, bench)
        self.esme.catch_up = lambda: None  # time stands still unless the bench moves it
        self._incoming: Incoming | None = None
        self._outgoing: Outgoing | None = None

    def send(self, channel: int, payload: bytes) -> None:
        """Give the device a frame and let it do all that it wants."""
        self.pipe.to_device += encode_frame(Frame(channel, payload))
        while self.pipe.to_device:
            self.esme.run_once(0)

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame from the device, or None."""
        self._reader.feed(bytes(self.pipe.from_device))
        self.pipe.from_device.clear()
        self._frames.extend(self._next_frames())
        return self._frames.pop(0) if self._frames else None

    def _next_frames(self) -> Iterator[Frame]:
        while (frame := self._reader.next_frame()) is not None:
            yield frame

    def messages(self) -> list[envelope.Message]:
        """Return the messages that the device sent since the last call; those in blocks are asked for to their end."""
        found = []
        while (frame := self.receive(0)) is not None:
            if frame.channel == MESSAGES and is_block(frame.payload):
                found += self._take_block(decode_block(frame.payload))
            elif frame.channel == MESSAGES:
                found.append(envelope.decode(bytes(frame.payload)))
            elif frame.channel not in (BENCH, PROVISIONING, Channel.HAN_EVENT):
                raise AssertionError(f"the device says {bytes(frame.payload)!r}")
        return found

    def _take_block(self, block: Block) -> list[envelope.Message]:
        """Answer a block or a confirmation; return the message that is whole now."""
        assert not block.ends, "the device ends a message in blocks"
        if not block.octets:
            self._send_blocks(self._outgoing.confirm(block) if self._outgoing else [])
            return []
        if self._incoming is None or self._incoming.begins_another(block):
            self._incoming = Incoming()
        confirmation, was_done = self._incoming.take(block), self._incoming.done
        self._send_blocks([confirmation] if confirmation else [])
        if not was_done:
            return []
        found, self._incoming = envelope.decode(self._incoming.octets), None
        return [found]

    def _send_blocks(self, sent: list[Block]) -> None:
        for block in sent:
            self.send(MESSAGES, encode_block(block))

    def ask(self, octets: bytes) -> list[envelope.Message]:
        """Send a message, in blocks when it is long, and return those that come back."""
        if len(octets) <= MAX_WHOLE:
            self.send(MESSAGES, octets)
        else:
            self._outgoing = Outgoing(octets)
            self._send_blocks(self._outgoing.window())
        return self.messages()

    def bench(self, do: str, **fields: Any) -> dict[str, Any]:
        """Carry out a bench request."""
        self.send(BENCH, json.dumps({"do": do, **fields}).encode())
        frames = []
        while (frame := self.receive(0)) is not None:
            frames.append(frame)
        self._frames = [frame for frame in frames if frame.channel != BENCH]
        (answer,) = [json.loads(bytes(frame.payload)) for frame in frames if frame.channel == BENCH]
        assert answer["ok"], answer
        return dict(answer)

    def state(self) -> dict[str, bytes]:
        """Return all stored values that a refused message must leave as they are."""
        journal = self.esme.journal
        return {name: journal.get(name) for name in journal.keys("") if name not in ("counter/own", "meter/events")}


@dataclass
class Home:
    """A provisioned device and the key store of its remote parties, in which its public keys stand."""

    device: InProcess
    keystore: KeyStore
    store: Path

    def protected(self, octets: bytes) -> bytes:
        """Return a reference command with the broker's MAC for this device's fresh key."""
        message = envelope.decode(octets)
        if message.mac is None:
            return octets
        return envelope.encode(replace(add_mac(replace(message, raw=b""), self.keystore), raw=b""))

    def restart(self) -> InProcess:
        """Cut the power and boot again."""
        self.device = InProcess(self.store)
        return self.device


def copy_parties(reference: Path, folder: Path) -> KeyStore:
    """Copy the reference's remote parties, without any device's, into a new key store."""
    folder.mkdir()
    for file in (reference / "rtds/keystore").iterdir():
        if not file.name.startswith("00db"):
            (folder / file.name).write_bytes(file.read_bytes())
    return KeyStore.open(folder)


def make_home(reference: Path, folder: Path, eui: bytes, anchors: list[Anchors] | None = None) -> Home:
    """Return a device, provisioned with the reference's parties, that believes it is TIME_S."""
    keystore = copy_parties(reference, folder / "keys")
    device = InProcess(folder / "store")
    provision(device, keystore, eui, anchors=anchors)
    device.bench("time", set=TIME_S)
    return Home(device, KeyStore.open(folder / "keys"), folder / "store")


def point_of(keystore: KeyStore, eui: bytes, usage: str) -> bytes:
    """Return a public key as X||Y."""
    key = keystore.public_key(eui, usage)
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]
