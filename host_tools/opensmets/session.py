"""A conversation with one device, without I/O: commands out, their responses and unasked alerts in.

    frame = session.send_command(message, now_s)      what to put on the link
    session.receive_data(frame, now_s)                what came from the link (None: only time has passed)
    event = session.next_event()                      until it returns None; then wait, at most to `session.deadline`

Time is the caller's: any clock that only goes forward, in seconds. A response belongs to the command with its message
code and originator counter whose EUIs it swaps. Nothing is ever repeated: a device refuses a counter that it has seen,
so after a timeout the only way on is a new command, and nobody knows whether the old one was carried out. Nothing here
is verified: that is for `security` and the event's receiver.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import ALERT, COMMAND, RESPONSE, Message
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.layouts.wire import LayoutError

RESPONSE_TIMEOUT_S = 30.0
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


Event = ResponseReceived | AlertReceived | CommandTimedOut | Unexpected | LogLine


class Session:
    """The conversation's state; see the module. Frames of the bench and of provisioning are not its business."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, tuple[float, Message]] = {}
        self._lapsed: dict[_Key, Message] = {}
        self._sent: set[_Key] = set()
        self._events: deque[Event] = deque()

    @property
    def deadline(self) -> float | None:
        """When the next command's time runs out, or None when no response is awaited."""
        return min((until for until, _ in self._waiting.values()), default=None)

    def send_command(self, octets: bytes, now_s: float, timeout_s: float = RESPONSE_TIMEOUT_S) -> Frame:
        """Return the frame that carries the command, and expect its response within `timeout_s`.

        Raises LayoutError when `octets` is no message, SmetsError when it is no signed or MACed command, or was sent.
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
        self._sent.add(key)
        self._waiting[key] = (now_s + timeout_s, command)
        return Frame(Channel.MESSAGES, bytes(octets))

    def receive_data(self, frame: Frame | None, now_s: float) -> None:
        """Take a frame that came at `now_s`, or None to let time pass."""
        if frame is not None and frame.channel == Channel.MESSAGES:
            self._take_message(frame.payload)
        elif frame is not None and frame.channel == Channel.LOG:
            self._events.append(LogLine(frame.payload.decode(errors="replace")))
        self._lapse(now_s)

    def next_event(self) -> Event | None:
        """Return what happened next, or None when nothing more has."""
        return self._events.popleft() if self._events else None

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

    def _lapse(self, now_s: float) -> None:
        for key in [key for key, (until, _) in self._waiting.items() if until <= now_s]:
            _, command = self._waiting.pop(key)
            self._lapsed[key] = command
            self._events.append(CommandTimedOut(command))
        while len(self._lapsed) > LAPSED_KEPT:
            del self._lapsed[next(iter(self._lapsed))]


def _key(command: Message) -> _Key:
    return (command.message_code, command.counter, command.originator, command.recipient)
