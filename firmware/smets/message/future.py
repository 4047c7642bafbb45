"""Future-dated instructions: what a command leaves with the meter's schedule, and the alert when its time comes.

The schedule keeps a context with each entry and gives it back when it acts: originator EUI (8), message code (2),
originator counter (8), and of the activation attribute class (2), OBIS code (6) and number (1). The part from the
message code on is the body of the alert (GBCS 9.2.2, message code 0x00CC).
"""

from micropython import const

_FUTURE_DATED_ALERT = const(0x00CC)
SUCCEEDED = const(0x8F66)
FAILED = const(0x8F67)

CONTEXT_SIZE = const(27)
_BODY_SIZE = const(19)


def origin_of(envelope):
    """Return the part of the context that comes from the command (18 bytes)."""
    return bytes(envelope.originator) + envelope.code.to_bytes(2, "big") + bytes(envelope.counter)


def tell_activation(alerts, context, time_s, succeeded=True):
    """Send the alert of one instruction that the meter carried out, or failed to, at `time_s`."""
    if len(context) != CONTEXT_SIZE:
        raise ValueError("a schedule's context has 27 bytes")
    body = bytes((9, _BODY_SIZE)) + context[8:]
    alerts.send(context[:8], _FUTURE_DATED_ALERT, True, SUCCEEDED if succeeded else FAILED, time_s, body, 1)
