"""What becomes of a limit of an auxiliary controller's level, as alerts (GBCS 7.2.9.1): ECS101 and ECS102.

    ECS101  u8 direction and controller, date-time start, date-time end, u8 resulting level in percent
    ECS102  u8 direction and controller, u8 resulting level in percent

Loaded when one is to be told (on_demand.py).
"""

import struct

from micropython import const

from smets.cosem import axdr
from smets.message.alerts import date_time

_PROCESSED = const(0x8F86)
_PROCESSED_ALERT = const(0x0121)
_ENDED_ALERT = const(0x0122)
_PROCESSED_BODY = ">BIIB"


def tell_limit(alerts, code, time_s, body):
    """Tell the supplier; `body` is that of the event (meter/load_control.py)."""
    if code == _PROCESSED:
        controller, from_s, until_s, level = struct.unpack(_PROCESSED_BODY, body)
        times = date_time(from_s) + date_time(until_s)
        alerts.tell(code, time_s, None, (_PROCESSED_ALERT, _octet(controller) + times + _octet(level), 4))
    else:
        alerts.tell(code, time_s, None, (_ENDED_ALERT, _octet(body[0]) + _octet(body[1]), 2))


def _octet(value):
    return bytes((axdr.U8, value))
