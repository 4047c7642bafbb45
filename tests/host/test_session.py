"""The conversation: responses find their commands, alerts come at any time, nothing is repeated."""

from dataclasses import replace

import pytest

from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import ALERT, COMMAND, RESPONSE, Message
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.layouts.wire import LayoutError
from opensmets.session import (
    LAPSED_KEPT,
    AlertReceived,
    CommandTimedOut,
    Event,
    LogLine,
    ResponseReceived,
    Session,
    Unexpected,
)
from tests.reference import REFERENCE, needs_reference

SUPPLIER, OPERATOR, DEVICE = b"\x90\xb3\xd5\x1f0\x01\0\0", b"\x90\xb3\xd5\x1f0\x02\0\0", b"\0\xdb\x124Vx\x90\xa0"


def command(counter: int, code: int = 0x62, originator: bytes = SUPPLIER) -> Message:
    return Message(COMMAND, counter, originator, DEVICE, code, b"\xd9", signature=b"", mac=bytes(12))


def response(to: Message) -> Message:
    return replace(to, cra_flag=RESPONSE, originator=to.recipient, recipient=to.originator, payload=b"\xda")


def alert(counter: int) -> Message:
    return Message(ALERT, counter, DEVICE, SUPPLIER, 0x1234, b"\x0f", signature=bytes(64))


def came(message: Message) -> Frame:
    return Frame(Channel.MESSAGES, envelope.encode(message))


def events(session: Session) -> list[Event]:
    found = []
    while event := session.next_event():
        found.append(event)
    return found


def test_responses_find_their_commands_in_any_order() -> None:
    session = Session()
    sent = [command(1), command(2), command(2, code=0x63), command(2, originator=OPERATOR)]
    for message in sent:
        octets = envelope.encode(message)
        assert session.send_command(octets, 0.0) == Frame(Channel.MESSAGES, octets)
    for message in reversed(sent):
        session.receive_data(came(response(message)), 1.0)
    assert [(event.command, event.message, event.late) for event in events(session)] == [  # type: ignore[union-attr]
        (message, response(message), False) for message in reversed(sent)
    ]
    assert session.deadline is None


def test_alerts_and_log_lines_come_at_any_time() -> None:
    session = Session()
    session.receive_data(came(alert(9)), 0.0)
    session.send_command(envelope.encode(command(1)), 1.0)
    session.receive_data(came(alert(10)), 2.0)
    session.receive_data(Frame(Channel.LOG, b"hello \xff"), 2.0)
    session.receive_data(Frame(Channel.BENCH, b"{}"), 2.0)
    session.receive_data(came(response(command(1))), 3.0)
    expected = [
        AlertReceived(alert(9)), AlertReceived(alert(10)), LogLine("hello \ufffd"),
        ResponseReceived(command(1), response(command(1))),
    ]  # fmt: skip
    assert events(session) == expected


def test_a_timeout_says_that_nothing_was_repeated_and_a_late_response_is_still_told() -> None:
    session = Session()
    session.send_command(envelope.encode(command(1)), 100.0, timeout_s=5)
    session.send_command(envelope.encode(command(2)), 101.0, timeout_s=50)
    assert session.deadline == 105.0
    session.receive_data(None, 104.9)
    assert events(session) == []
    session.receive_data(None, 105.0)
    (event,) = events(session)
    assert isinstance(event, CommandTimedOut) and event.command == command(1)
    assert "not repeated" in event.text and "new command" in event.text and "\n" not in event.text
    assert session.deadline == 111.0  # it is asked for then: it may be in blocks, and all of them lost
    session.receive_data(came(response(command(1))), 120.0)
    assert events(session) == [ResponseReceived(command(1), response(command(1)), late=True)]


def test_a_response_at_the_deadline_counts() -> None:
    session = Session()
    session.send_command(envelope.encode(command(1)), 0.0, timeout_s=5)
    session.receive_data(came(response(command(1))), 5.0)
    assert events(session) == [ResponseReceived(command(1), response(command(1)))]


def test_a_command_is_never_sent_twice() -> None:
    session = Session()
    octets = envelope.encode(command(7))
    session.send_command(octets, 0.0)
    with pytest.raises(SmetsError, match="counter 7 was sent already and a replay is refused"):
        session.send_command(octets, 1.0)
    session.receive_data(came(response(command(7))), 2.0)
    with pytest.raises(SmetsError, match="counter 7 was sent already"):
        session.send_command(octets, 3.0)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (replace(command(1), signature=None, mac=None), "not the pre-command given"),
        (response(command(1)), "not the response given"),
        (alert(1), "not the alert given"),
    ],
)
def test_only_protected_commands_are_sent(message: Message, why: str) -> None:
    with pytest.raises(SmetsError, match=why):
        Session().send_command(envelope.encode(message), 0.0)


def test_no_message_at_all() -> None:
    with pytest.raises(LayoutError, match="message"):
        Session().send_command(b"rubbish", 0.0)


def test_what_answers_nothing_is_reported_and_the_command_still_awaited() -> None:
    session = Session()
    session.send_command(envelope.encode(command(1)), 0.0)
    wrong = response(command(1))
    strangers = [
        replace(wrong, counter=2),
        replace(wrong, message_code=0x63),
        replace(wrong, recipient=OPERATOR),
        replace(wrong, originator=OPERATOR),
        command(1),
    ]
    for message in strangers:
        session.receive_data(came(message), 1.0)
    session.receive_data(Frame(Channel.MESSAGES, b"\xdf\x09garbage"), 1.0)
    session.receive_data(Frame(Channel.MESSAGES, b""), 1.0)
    found = events(session)
    assert len(found) == 7 and all(isinstance(event, Unexpected) and event.why for event in found)
    session.receive_data(came(wrong), 2.0)
    session.receive_data(came(wrong), 2.0)  # a second answer is one too many
    first, second = events(session)
    assert isinstance(first, ResponseReceived) and isinstance(second, Unexpected)


def test_what_is_remembered_is_bounded() -> None:
    session = Session()
    for counter in range(LAPSED_KEPT + 5):
        session.send_command(envelope.encode(command(counter)), 0.0, timeout_s=1)
    session.receive_data(None, 2.0)
    assert len(events(session)) == LAPSED_KEPT + 5
    session.receive_data(came(response(command(0))), 3.0)
    session.receive_data(came(response(command(LAPSED_KEPT + 4))), 3.0)
    first, last = events(session)
    assert isinstance(first, Unexpected) and isinstance(last, ResponseReceived) and last.late


@needs_reference
def test_every_reference_response_finds_its_command() -> None:
    assert REFERENCE is not None
    found = 0
    for file in sorted(REFERENCE.glob("rtds/messages/*/*_COMMAND_GBCS.HEX")):
        answer = file.with_name(file.name.replace("_COMMAND_", "_RESPONSE_"))
        if not answer.exists():
            continue
        session = Session()
        session.send_command(bytes.fromhex(file.read_text()), 0.0)
        session.receive_data(Frame(Channel.MESSAGES, bytes.fromhex(answer.read_text())), 1.0)
        (event,) = events(session)
        assert isinstance(event, ResponseReceived), file.name
        found += 1
    assert found > 300
