"""A conversation takes nothing from the line on trust: what is altered, strange or late is told and never believed."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from opensmets.cli.conversation import Conversation, NotAuthentic, Verified, check
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.link_frame import Channel, Frame, decode_hub_time
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import add_mac
from tests.reference import REFERENCE, needs_reference

pytestmark = needs_reference
MESSAGES = REFERENCE / "rtds" / "messages" if REFERENCE else Path()


def message(path: str) -> bytes:
    return bytes.fromhex((MESSAGES / path).read_text())


COMMAND = "7.4_ECS45/ECS45_7.4_SUCCESS_COMMAND_GBCS.HEX"
RESPONSE = "7.4_ECS45/ECS45_7.4_SUCCESS_RESPONSE_GBCS.HEX"


class ScriptedLink:
    """A link that gives what a test put into it, and keeps what was sent."""

    port = "scripted"

    def __init__(self, *payloads: bytes) -> None:
        self.sent: list[Frame] = []
        self._frames = deque(Frame(Channel.MESSAGES, payload) for payload in payloads)

    def send(self, channel: int, payload: bytes) -> None:
        self.sent.append(Frame(channel, payload))

    def receive_waiting(self) -> Frame | None:
        return None

    def receive(self, timeout_s: float) -> Frame | None:
        return self._frames.popleft() if self._frames else None


@pytest.fixture(scope="module")
def keystore() -> KeyStore:
    assert REFERENCE
    return KeyStore.open(REFERENCE / "rtds" / "keystore")


def talk(keystore: KeyStore, *payloads: bytes) -> tuple[Conversation, list[Verified], list[str]]:
    alerts: list[Verified] = []
    log: list[str] = []
    link = ScriptedLink(*payloads)
    return Conversation(link, keystore, on_alert=alerts.append, on_log=log.append), alerts, log  # type: ignore[arg-type]


def test_the_reference_answer_is_believed(keystore: KeyStore) -> None:
    conversation, _, _ = talk(keystore, message(RESPONSE))
    assert conversation.carry_out(message(COMMAND), 1.0).message.message_code == 0x0052


@pytest.mark.parametrize("place", [-1, -13, -20])
def test_an_altered_answer_is_not_authentic(keystore: KeyStore, place: int) -> None:
    altered = bytearray(message(RESPONSE))
    altered[place] ^= 1
    conversation, _, _ = talk(keystore, bytes(altered))
    with pytest.raises(SmetsError):
        conversation.carry_out(message(COMMAND), 0.1)


def test_an_unprotected_answer_is_not_authentic(keystore: KeyStore) -> None:
    bare = replace(envelope.decode(message(RESPONSE)), mac=None, signature=bytes(64), raw=b"")
    conversation, _, _ = talk(keystore, envelope.encode(bare))
    with pytest.raises(NotAuthentic):
        conversation.carry_out(message(COMMAND), 0.1)


def test_another_s_answer_is_passed_over(keystore: KeyStore) -> None:
    other = envelope.decode(message(RESPONSE))
    stray = envelope.encode(add_mac(replace(other, counter=other.counter + 1, mac=None, raw=b""), keystore))
    conversation, _, log = talk(keystore, b"\xdd noise", stray, message(RESPONSE))
    assert conversation.carry_out(message(COMMAND), 1.0).message.counter == other.counter
    assert len(log) == 2


def test_silence_is_one_line_that_says_not_to_repeat(keystore: KeyStore) -> None:
    conversation, _, _ = talk(keystore)
    with pytest.raises(SmetsError, match="no response to message code 0052.*not repeated"):
        conversation.carry_out(message(COMMAND), 0.05)


def test_the_same_command_never_goes_out_twice(keystore: KeyStore) -> None:
    conversation, _, _ = talk(keystore, message(RESPONSE))
    conversation.carry_out(message(COMMAND), 1.0)
    with pytest.raises(SmetsError, match="sent already"):
        conversation.carry_out(message(COMMAND), 1.0)


def test_alerts_are_verified_before_they_are_told(keystore: KeyStore) -> None:
    alert = next(MESSAGES.rglob("*_ALERT_GBCS.HEX"))
    good = bytes.fromhex(alert.read_text())
    forged = bytearray(good)
    forged[-1] ^= 1
    conversation, alerts, log = talk(keystore, bytes(forged), good, message(RESPONSE))
    conversation.carry_out(message(COMMAND), 1.0)
    assert [verified.message.raw for verified in alerts] == [good]
    assert len(log) == 1
    assert "not authentic" in log[0]
    assert check(envelope.decode(good), keystore).message.raw == good


def test_hub_time_goes_out_on_its_channel(keystore: KeyStore) -> None:
    conversation, _, _ = talk(keystore)
    conversation.give_hub_time(473_385_550)
    frame = conversation.link.sent[0]  # type: ignore[attr-defined]
    assert frame.channel == Channel.HUB_TIME
    assert decode_hub_time(frame.payload)[0] == 473_385_550
