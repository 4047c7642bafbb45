"""A conversation with one device, without I/O: commands out, their responses and unasked alerts in.

    frame = session.send_command(message, now_s)      what to put on the link, and then
    session.next_frame()                              until it returns None, whenever something came
    session.receive_data(frame, now_s)                what came from the link (None: only time has passed)
    event = session.next_event()                      until it returns None; then wait, at most to `session.deadline`

Time is the caller's: any clock that only goes forward, in seconds. A response belongs to the command with its message
code and originator counter whose EUIs it swaps. Nothing is ever repeated: a device refuses a counter that it has seen,
so after a timeout the only way on is a new command, and nobody knows whether the old one was carried out. A message
longer than a link frame goes in blocks (blocks.py), and these are asked for again when they are lost; while they come,
the response has time. After SILENCE_S without one its first block is asked for: it may be so long, and all lost.
Nothing here is verified: that is for `security` and the event's receiver.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from opensmets.blocks import ASK_AFTER_S, MAX_ASKS, Incoming, Outgoing, TransferFailed
from opensmets.errors import SmetsError
from opensmets.layouts import blocks, envelope, han_event
from opensmets.layouts.blocks import MAX_WHOLE, Block
from opensmets.layouts.envelope import ALERT, COMMAND, RESPONSE, Message
from opensmets.layouts.han_event import HanEvent
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.layouts.wire import LayoutError

RESPONSE_TIMEOUT_S = 30.0
#: How long after a command its response may keep silent before it is asked for as one in blocks.
SILENCE_S = 10.0
#: How many commands whose time ran out are remembered, should their responses come late.
LAPSED_KEPT = 64
_Key = tuple[int, int, bytes, bytes]


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """The response to `command`. `late`: after its CommandTimedOut."""

    command: Message
    message: Message
    late: bool = False


@dataclass(frozen=True, slots=True)
class AlertReceived:
    """An alert, which nobody asked for."""

    message: Message


@dataclass(frozen=True, slots=True)
class HanEventReceived:
    """An event that the device announced to its home area network; nothing protects it."""

    event: HanEvent


@dataclass(frozen=True, slots=True)
class CommandTimedOut:
    """No response to `command` came in time."""

    command: Message

    @property
    def text(self) -> str:
        """One line for the user."""
        return (
            f"no response to message code {self.command.message_code:04X} in time; it was not repeated, for a device "
            "refuses a repeated counter: check whether the change was made, then send a new command"
        )


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Octets on the message channel that answer nothing; `why` is one line."""

    octets: bytes
    why: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the device's log."""

    text: str


@dataclass(frozen=True, slots=True)
class BlockReceived:
    """One more block of a long message: how many octets of it are here, and of how many, if it says so."""

    octets: int
    total: int | None


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """A message in blocks will not be whole; `why` is one line."""

    why: str


Event = (
    ResponseReceived
    | AlertReceived
    | HanEventReceived
    | CommandTimedOut
    | Unexpected
    | LogLine
    | BlockReceived
    | TransferEnded
)


class Session:
    """The conversation's state; see the module. Frames of the bench and of provisioning are not its business."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, tuple[float, Message]] = {}
        self._lapsed: dict[_Key, Message] = {}
        self._sent: set[_Key] = set()
        self._events: deque[Event] = deque()
        self._frames: deque[Frame] = deque()
        self._incoming: Incoming | None = None
        self._outgoing: Outgoing | None = None
        self._ask_at: float | None = None
        self._asks = 0

    @property
    def deadline(self) -> float | None:
        """When time is to be let pass next: a command's runs out, or a block is asked for. None: nothing is awaited."""
        times = [until for until, _ in self._waiting.values()]
        return min([*times, self._ask_at] if self._ask_at is not None else times, default=None)

    def next_frame(self) -> Frame | None:
        """Return the next frame to put on the link, beside those that `send_command` returns, or None."""
        return self._frames.popleft() if self._frames else None

    def send_command(self, octets: bytes, now_s: float, timeout_s: float = RESPONSE_TIMEOUT_S) -> Frame:
        """Return the frame that carries the command, or its first block, and expect the response within `timeout_s`.

        Raises LayoutError when `octets` is no message, SmetsError when it is no signed or MACed command, or was sent,
        TransferFailed when it is longer than a device takes.
        """
        command = envelope.decode(octets)
        if command.cra_flag != COMMAND or command.is_precommand:
            kind = "pre-command" if command.is_precommand else command.kind
            raise SmetsError(
                f"only a protected command is sent to a device, not the {kind} given: sign and MAC it first"
            )
        key = _key(command)
        if key in self._sent:
            raise SmetsError(
                f"the command with counter {command.counter} was sent already and a replay is refused: make a new one"
            )
        outgoing = Outgoing(bytes(octets)) if len(octets) > MAX_WHOLE else None
        self._sent.add(key)
        self._waiting[key] = (now_s + timeout_s, command)
        if outgoing is None:
            self._await_response(now_s)
            return Frame(Channel.MESSAGES, bytes(octets))
        self._outgoing = outgoing
        first, *rest = outgoing.window()
        self._expect(now_s)
        self._send(rest)
        return _frame(first)

    def receive_data(self, frame: Frame | None, now_s: float) -> None:
        """Take a frame that came at `now_s`, or None to let time pass."""
        if frame is not None and frame.channel == Channel.MESSAGES:
            if blocks.is_block(frame.payload):
                self._take_block(frame.payload, now_s)
            else:
                self._take_message(frame.payload)
        elif frame is not None and frame.channel == Channel.HAN_EVENT:
            self._take_han_event(frame.payload)
        elif frame is not None and frame.channel == Channel.LOG:
            self._events.append(LogLine(frame.payload.decode(errors="replace")))
        if self._ask_at is not None and now_s >= self._ask_at:
            self._ask(now_s)
        self._lapse(now_s)

    def next_event(self) -> Event | None:
        """Return what happened next, or None when nothing more has."""
        return self._events.popleft() if self._events else None

    def _take_han_event(self, octets: bytes) -> None:
        try:
            self._events.append(HanEventReceived(han_event.decode(octets)))
        except LayoutError as error:
            self._events.append(Unexpected(octets, str(error)))

    def _take_message(self, octets: bytes) -> None:
        try:
            message = envelope.decode(octets)
        except LayoutError as error:
            self._events.append(Unexpected(octets, str(error)))
            return
        if message.cra_flag == ALERT:
            self._events.append(AlertReceived(message))
        elif message.cra_flag == RESPONSE:
            self._take_response(message, octets)
        else:
            self._events.append(Unexpected(octets, "a command came from the device"))

    def _take_response(self, message: Message, octets: bytes) -> None:
        key = (message.message_code, message.counter, message.recipient, message.originator)
        if key in self._waiting:
            self._events.append(ResponseReceived(self._waiting.pop(key)[1], message))
        elif key in self._lapsed:
            self._events.append(ResponseReceived(self._lapsed.pop(key), message, late=True))
        else:
            why = f"a response of message code {message.message_code:04X} to a command that is not awaiting one"
            self._events.append(Unexpected(octets, why))

    # blocks

    def _take_block(self, octets: bytes, now_s: float) -> None:
        try:
            block = blocks.decode(octets)
        except LayoutError as error:
            self._events.append(Unexpected(octets, str(error)))
            return
        self._asks = 0
        self._expect(now_s)
        if block.ends:
            if self._is_moving():
                self._end(
                    "the device ended a message in blocks, for it cannot be made whole any more: send a new command"
                )
        elif block.octets:
            self._collect(block)
        elif self._outgoing:
            self._send(self._outgoing.confirm(block))
        self._await_response(now_s)

    def _await_response(self, now_s: float) -> None:
        """Nothing more of a message in blocks is to come: the next may be that of a response that is still awaited."""
        if not self._is_moving():
            self._ask_at = now_s + SILENCE_S if self._waiting else None

    def _collect(self, block: Block) -> None:
        if self._incoming is None or self._incoming.begins_another(block):
            self._incoming = Incoming()
        incoming, was_done = self._incoming, self._incoming.done
        try:
            confirmation = incoming.take(block)
        except TransferFailed as error:
            self._end(str(error))
            return
        if confirmation:
            self._send([confirmation])
        if not was_done:
            self._events.append(BlockReceived(incoming.size, incoming.total))
            if incoming.done:
                self._take_message(incoming.octets)

    def _is_moving(self) -> bool:
        is_sending = self._outgoing is not None and not self._outgoing.done
        return is_sending or (self._incoming is not None and not self._incoming.done)

    def _expect(self, now_s: float) -> None:
        """Give the next block its time, and the responses that are awaited no less."""
        self._ask_at = now_s + ASK_AFTER_S
        patience_s = now_s + ASK_AFTER_S * (MAX_ASKS + 1)
        self._waiting = {key: (max(until, patience_s), sent) for key, (until, sent) in self._waiting.items()}

    def _ask(self, now_s: float) -> None:
        """Nothing came for a while: send again what was not confirmed, or confirm again what is here."""
        self._asks += 1
        if self._asks > MAX_ASKS:
            self._ask_at = None
            if self._is_moving():
                self._end(
                    f"a message in blocks stopped; its next block was asked for {MAX_ASKS} times: send a new command"
                )
            return
        self._ask_at = now_s + ASK_AFTER_S
        if self._outgoing is not None and not self._outgoing.done:
            self._send(self._outgoing.window())
        elif self._incoming is not None and not self._incoming.done:
            self._send([self._incoming.confirmation()])
        elif self._waiting:
            self._send([Incoming().confirmation()])

    def _end(self, why: str) -> None:
        self._incoming = self._outgoing = self._ask_at = None
        self._events.append(TransferEnded(why))

    def _send(self, sent: list[Block]) -> None:
        self._frames.extend(_frame(block) for block in sent)

    def _lapse(self, now_s: float) -> None:
        for key in [key for key, (until, _) in self._waiting.items() if until <= now_s]:
            _, command = self._waiting.pop(key)
            self._lapsed[key] = command
            self._events.append(CommandTimedOut(command))
        if not self._waiting and not self._is_moving():
            self._ask_at, self._asks = None, 0
        while len(self._lapsed) > LAPSED_KEPT:
            del self._lapsed[next(iter(self._lapsed))]


def _frame(block: Block) -> Frame:
    return Frame(Channel.MESSAGES, blocks.encode(block))


def _key(command: Message) -> _Key:
    return (command.message_code, command.counter, command.originator, command.recipient)
