"""An event announced to the HAN: its octets, the conversation that hears it, and the document that it is written as."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from opensmets.cli.answers import han_event_document
from opensmets.layouts import han_event
from opensmets.layouts.han_event import HanEvent
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.layouts.wire import LayoutError
from opensmets.session import HanEventReceived, Session, Unexpected

EUI = bytes.fromhex("00DB1234567890A0")
OCTETS = EUI + bytes.fromhex("0709 19 07 00  03 AB81 00F9351C 03 00")
EVENT = HanEvent(EUI, 0x81AB, 0x1C35F900, han_event.GENERAL_LOG, han_event.TO_HAN | han_event.TO_WAN, 7)


def test_octets_and_values_are_each_others() -> None:
    assert han_event.decode(OCTETS) == EVENT and han_event.encode(EVENT) == OCTETS
    with_data = HanEvent(EUI, 0x8168, 1, data=b"\x01\x02")
    assert han_event.decode(han_event.encode(with_data)) == with_data and not with_data.is_sent


@pytest.mark.parametrize("octets", [b"", OCTETS[:-1], OCTETS + b"\0", OCTETS[:8] + b"\x07\x08" + OCTETS[10:]])
def test_other_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(LayoutError, match="HAN event"):
        han_event.decode(octets)


def test_a_session_tells_of_it_and_of_what_is_none() -> None:
    session = Session()
    session.receive_data(Frame(Channel.HAN_EVENT, OCTETS), 0.0)
    session.receive_data(Frame(Channel.HAN_EVENT, b"nothing"), 0.0)
    assert session.next_event() == HanEventReceived(EVENT)
    assert isinstance(session.next_event(), Unexpected) and session.next_event() is None


def test_the_document_says_whose_what_and_when() -> None:
    root: Any = etree.fromstring(han_event_document(EVENT))
    assert root.tag == "HANEvent"
    assert {child.tag: child.text for child in root} == {
        "Meter": "00-DB-12-34-56-78-90-A0", "Code": "0x81AB", "Description": "Emergency Credit Activated",
        "DateTime": "2014-12-31T00:00:00Z", "SentAsAlert": "true",
    }  # fmt: skip
