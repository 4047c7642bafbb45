"""Events told in the house: announced to the HAN, sounded at the meter (ECS25a1, ECS25a2). Loaded when there is one.

A HAN announcement is ZigBee's Publish Event (Smart Energy, Events cluster, D.11), as the log reads of a gas meter have
it; numbers little-endian, except the EUI and the cluster, which on a radio stand in the frame around it:

    EUI (8) | cluster 0709 | 19, sequence u8, 00 | log u8, code u16, time_s u32, control u8, length u8, data

`log` is the one that the event went to, `control` bit 0 that it is announced, bit 1 that remote parties are told; there
are no data. Nothing of it is protected: on a HAN that is the network's, and our link has none.

Reading chosen: SMETS2 says nothing of how long the meter sounds. It does for a minute, or until somebody presses a key.
"""

import struct

from micropython import const

_SENT = const(2)
_SECURITY_LOG = const(8)
_POWER_EVENT_LOG = const(16)
_ANNOUNCED = const(128)
_SOUNDED = const(256)

_EVENTS_CLUSTER = const(0x0709)
_FRAME_CONTROL = const(0x19)
"""A cluster's own command, from server to client, that wants no default response."""
_PUBLISH_EVENT = const(0)
_GENERAL_EVENTS = const(3)
_SECURITY_EVENTS = const(4)
_NETWORK_EVENTS = const(5)
_TO_HAN = const(1)
_TO_WAN = const(2)

SOUND_S = const(60)


def tell(events, eui, announce):
    """Tell the notices that wait; `announce(payload)` sends one to the HAN, and what it raises leaves it waiting."""
    while events.notices:
        code, time_s, flags = events.notices[0]
        if flags & _ANNOUNCED:
            announce(publication(eui, events.told, code, time_s, flags))
        if flags & _SOUNDED:
            events.sounding, events.silent_s = code, time_s + SOUND_S
            events.sounded += 1
        events.notices = events.notices[1:]
        events.told += 1


def publication(eui, sequence, code, time_s, flags):
    """Return the announcement of an event, octets."""
    log = _SECURITY_EVENTS if flags & _SECURITY_LOG else _GENERAL_EVENTS
    if flags & _POWER_EVENT_LOG:
        log = _NETWORK_EVENTS
    head = eui + struct.pack(">HBBB", _EVENTS_CLUSTER, _FRAME_CONTROL, sequence & 0xFF, _PUBLISH_EVENT)
    control = _TO_HAN | _TO_WAN if flags & _SENT else _TO_HAN
    return head + struct.pack("<BHIBB", log, code, time_s, control, 0)
