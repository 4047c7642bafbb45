"""Result codes, and what each failure is on the wire (IEC 62056-5-3 table 8).

Data-access-result and action-result number alike as far as they go together; `data_block` and `long` results belong to
services that GBCS does not use.
"""

from micropython import const

SUCCESS = const(0)
HARDWARE_FAULT = const(1)
TEMPORARY_FAILURE = const(2)
READ_WRITE_DENIED = const(3)
OBJECT_UNDEFINED = const(4)
OBJECT_CLASS_INCONSISTENT = const(9)
OBJECT_UNAVAILABLE = const(11)
TYPE_UNMATCHED = const(12)
SCOPE_OF_ACCESS_VIOLATED = const(13)
OTHER_REASON = const(250)

_MISSING = (OBJECT_UNDEFINED, OBJECT_CLASS_INCONSISTENT, OBJECT_UNDEFINED, READ_WRITE_DENIED)
_MODEL = {
    "out of range": TYPE_UNMATCHED,
    "unavailable": OBJECT_UNAVAILABLE,
    "not now": TEMPORARY_FAILURE,
    "refused": OTHER_REASON,
}


class Refusal(Exception):
    """An item fails with the result `result`."""

    def __init__(self, result):
        super().__init__("result %d" % result)
        self.result = result


def result_of(error):
    """Return the result code of an item that ended in `error`.

    Data of another type and values out of range are both TYPE_UNMATCHED: COSEM has no code of its own for a range.
    An answer too long for its buffer is OTHER_REASON.
    """
    if isinstance(error, Refusal):
        return error.result
    if isinstance(error, ValueError):
        return TYPE_UNMATCHED
    return _MODEL.get(getattr(error, "kind", ""), OTHER_REASON)


def result_of_missing(lacking):
    """Return the result for what the object table lacks (table.OBJECT, CLASS, MEMBER or RIGHT)."""
    return _MISSING[lacking]
