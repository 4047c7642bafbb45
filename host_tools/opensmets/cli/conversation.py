"""One port, one key store, one conversation: commands out, verified answers and alerts in. The part that waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from opensmets.bench import control
from opensmets.errors import SmetsError
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.envelope import Message
from opensmets.layouts.han_event import HanEvent
from opensmets.layouts.link_frame import Channel, Frame, encode_hub_time
from opensmets.links import LinkLost, open_link
from opensmets.security.keystore import KeyStore, format_eui
from opensmets.security.protection import Verdict, verify
from opensmets.session import (
    AlertReceived,
    BlockReceived,
    CommandTimedOut,
    Event,
    HanEventReceived,
    LogLine,
    ResponseReceived,
    Session,
    TransferEnded,
    Unexpected,
)

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Line(control.FrameLink, Protocol):
    """What a conversation needs of a link: frames to and fro, and its name. `links.Link` is one."""

    @property
    def port(self) -> str:
        """The link's port, for whoever reads an error."""

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came in time."""

    def receive_waiting(self) -> Frame | None:
        """Return the next frame of what has come already, or None."""


class NotAuthentic(SmetsError):
    """What came from the device is not protected by its keys."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A message from a device whose MAC or signature is valid; `decrypted` has its sensitive parts' plain octets."""

    message: Message
    decrypted: tuple[bytes, ...]


def now_s() -> int:
    """Return the time now, seconds since 2000-01-01T00:00:00Z."""
    return int((datetime.now(UTC) - EPOCH).total_seconds())


def check(message: Message, keystore: KeyStore) -> Verified:
    """Verify a message. Raises NotAuthentic, saying why, when its protection is not all valid or cannot be judged."""
    verdict: Verdict = verify(message, keystore)
    if not verdict.authentic:
        why = "; ".join(verdict.why) or f"mac {verdict.mac}, signature {verdict.signature}"
        raise NotAuthentic(f"the {message.kind} from {format_eui(message.originator)} is not authentic: {why}")
    if verdict.why:
        raise NotAuthentic(f"the {message.kind} from {format_eui(message.originator)} cannot be read: {verdict.why[0]}")
    return Verified(message, verdict.decrypted)


class Refused(SmetsError):
    """The device refused a command, and said so by an alert."""


#: The alerts by which a device refuses a command that it does not answer (GBCS 6.2.4.1), and what each means.
REFUSALS = {
    0x8F3D: "as not authentic or already used",
    0x8F30: "because its sender has no authority for it",
    0x8F1E: "because its content or format failed the integrity check",
    0x8F85: "because it does not support it",
}
#: How long an answer is still waited for after such an alert, which may be about something else.
GRACE_S = 2.0


class Conversation:
    """Talks to the device at the other end of a link. `on_alert` gets each alert, verified, as it comes.

    `on_han_event` gets each event that the device announces to its home area network, which nothing protects.
    `on_log` gets one line about what else happened: an alert that is not authentic, a stray message, the device's log.
    `on_progress`, which may be set at any time, gets a few words whenever a block of a long message came.
    """

    on_progress: Callable[[str], None] | None = None

    def __init__(
        self,
        link: Line,
        keystore: KeyStore,
        *,
        on_alert: Callable[[Verified], None] | None = None,
        on_han_event: Callable[[HanEvent], None] | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> None:
        self.link, self.keystore = link, keystore
        self._on_alert, self._on_han_event, self._on_log = on_alert, on_han_event, on_log
        self._session = Session()

    def give_hub_time(self, time_s: int | None = None) -> None:
        """Give the device the hub's clock, as its communications hub would: now, or seconds since 2000."""
        self.link.send(Channel.HUB_TIME, encode_hub_time(now_s() if time_s is None else time_s))

    def carry_out(self, command: bytes, timeout_s: float) -> Verified:
        """Send a protected command and return its verified response.

        Raises NotAuthentic, LinkLost, Refused when the device says so by an alert, and SmetsError when no response
        comes in time.
        """
        self.take_waiting()  # an alert from before is not about this command
        refusal: int | None = None
        until: float | None = None
        frame = self._session.send_command(command, time.monotonic(), timeout_s)
        self.link.send(frame.channel, frame.payload)
        self._send_waiting()
        while True:
            event = self._wait(until)
            if isinstance(event, ResponseReceived) and not event.late:
                return check(event.message, self.keystore)
            if isinstance(event, CommandTimedOut):
                raise SmetsError(f"{self.link.port}: {event.text}")
            if isinstance(event, TransferEnded):
                raise SmetsError(f"{self.link.port}: {event.why}")
            if isinstance(event, AlertReceived) and refusal is None:
                refusal = self._refusal(event.message, command)
                until = time.monotonic() + GRACE_S if refusal else None
            if refusal and until and time.monotonic() >= until:
                raise Refused(f"the device refused the command {REFUSALS[refusal]} (0x{refusal:04X})")

    def take_waiting(self) -> None:
        """Tell of what came before now, such as an alert just behind the last answer."""
        while (frame := self.link.receive_waiting()) is not None:
            self._session.receive_data(frame, time.monotonic())
        self._send_waiting()
        while event := self._session.next_event():
            self._tell(event)

    def _refusal(self, alert: Message, command: bytes) -> int | None:
        """Return the code of an authentic alert by which the device that got a command refuses one, or None."""
        if alert.originator != envelope.decode(command).recipient or alert.payload[0] != xdlms.DATA_NOTIFICATION:
            return None
        try:
            check(alert, self.keystore)
            code = xdlms.decode_notification(alert.payload).alert_code
        except SmetsError:
            return None
        return code if code in REFUSALS else None

    def listen(self, timeout_s: float | None) -> Iterator[Verified]:
        """Yield alerts as they come, verified, until `timeout_s` has passed (None: for ever)."""
        for heard in self.hear(timeout_s):
            if isinstance(heard, Verified):
                yield heard

    def hear(self, timeout_s: float | None) -> Iterator[Verified | HanEvent]:
        """Yield verified alerts, and events announced to the HAN, as they come; as `listen`."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while until is None or time.monotonic() < until:
            event = self._wait(until)
            if isinstance(event, HanEventReceived):
                yield event.event
            elif isinstance(event, AlertReceived):
                verified = self._verified_alert(event.message)
                if verified:
                    yield verified

    def send_frame(self, octets: bytes) -> None:
        """Put octets on the message channel as they are, expecting nothing."""
        self.link.send(Channel.MESSAGES, octets)

    def take_frame(self, frame: control.Frame) -> None:
        """Take a frame that somebody else received on this link, such as an alert between two bench answers."""
        self._session.receive_data(Frame(frame.channel, frame.payload), time.monotonic())
        self._send_waiting()
        while event := self._session.next_event():
            self._tell(event)

    def _wait(self, until: float | None) -> Event | None:
        """Return the next event, having told of it, or None when `until` has come."""
        while True:
            if event := self._session.next_event():
                self._tell(event)
                return event
            now = time.monotonic()
            if until is not None and now >= until:
                self._session.receive_data(None, now)
                self._send_waiting()
                return self._session.next_event()
            due = [moment for moment in (until, self._session.deadline, now + 1.0) if moment is not None]
            frame = self.link.receive(max(min(due) - now, 0.0))
            self._session.receive_data(frame, time.monotonic())
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Put on the link what the session has to send."""
        while (frame := self._session.next_frame()) is not None:
            self.link.send(frame.channel, frame.payload)

    def _tell(self, event: Event) -> None:
        if isinstance(event, AlertReceived) and self._on_alert:
            verified = self._verified_alert(event.message)
            if verified:
                self._on_alert(verified)
        elif isinstance(event, HanEventReceived):
            if self._on_han_event:
                self._on_han_event(event.event)
        elif isinstance(event, BlockReceived):
            if self.on_progress:
                self.on_progress(_progress(event))
        elif self._on_log:
            text = _describe(event)
            if text:
                self._on_log(text)

    def _verified_alert(self, message: Message) -> Verified | None:
        try:
            return check(message, self.keystore)
        except SmetsError as error:
            if self._on_log:
                self._on_log(f"{error}; it was passed over")
            return None


def _progress(event: BlockReceived) -> str:
    if event.total:
        return f"{event.octets:,} of {event.total:,} octets have come ({100 * event.octets // event.total} %)"
    return f"{event.octets:,} octets have come"


def _describe(event: Event) -> str | None:
    if isinstance(event, LogLine):
        return f"device: {event.text}"
    if isinstance(event, Unexpected):
        return f"passed over {len(event.octets)} octets: {event.why}"
    if isinstance(event, ResponseReceived) and event.late:
        return f"a response of message code {event.message.message_code:04X} came too late and was passed over"
    return None


@contextmanager
def open_conversation(
    port: str,
    keystore: KeyStore,
    *,
    pcap: Path | None = None,
    hub_time: bool = True,
    on_alert: Callable[[Verified], None] | None = None,
    on_log: Callable[[str], None] | None = None,
) -> Iterator[Conversation]:
    """Open a port for a conversation and give the device the hub's clock: behind every port there is a hub."""
    with open_link(port, pcap=pcap) as link:
        conversation = Conversation(link, keystore, on_alert=on_alert, on_log=on_log)
        if hub_time:
            conversation.give_hub_time()
        yield conversation
        with suppress(LinkLost):  # what was asked for is here already
            conversation.take_waiting()
