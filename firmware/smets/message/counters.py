"""Originator counters: the highest accepted from each party, and the device's own (GBCS 4.3.3, 7.2.5).

A party's counter is on flash before its command acts. Top-ups (CS01a) count for themselves, since their counters have
their number in the high word. The device's own counter is reserved on flash in blocks ahead of use: after a restart it
goes on behind the block, so it never repeats and hardly ever writes.
"""

from binascii import hexlify

from micropython import const

_ORDINARY = const(0)
_TOP_UP = const(1)
"""Kinds of received counter that are told apart."""

_IS_TOP_UP = const(32)
"""The use case's flag for it, as packed."""

_BLOCK = const(64)
"""Own counters reserved per write."""
_LAST = const(b"\xff\xff\xff\xff\xff\xff\xff\xff")
"""No counter is above it: a party whose this was accepted could never command again, so it is not fresh."""
_OWN = const("counter/own")
_SIZE = const(8)


def kind_of(use_case):
    """Return the kind of counter that a use case's commands have."""
    return _TOP_UP if use_case.protection & _IS_TOP_UP else _ORDINARY


class Counters:
    """The counters in a journal."""

    def __init__(self, journal):
        self._journal = journal
        self._limit = self._next = int.from_bytes(journal.get(_OWN) or b"", "big")

    def is_fresh(self, eui, kind, counter):
        """Return whether a counter (8 bytes) is above the highest accepted from a party, and not the last there is."""
        highest = self._journal.get(_key(eui, kind))
        return bytes(counter) != _LAST and (highest is None or bytes(counter) > highest)

    def accept(self, eui, kind, counter):
        """Keep a counter as the highest accepted; on flash when this returns."""
        self._journal.put(_key(eui, kind), bytes(counter))

    def raised(self, eui, floor, top_up=None):
        """Return the journal's pairs that let a party begin above `floor`, and its top-ups above `top_up`; none is
        lowered by it."""
        pairs = []
        for kind, number in ((_ORDINARY, floor), (_TOP_UP, top_up)):
            if number and self.is_fresh(eui, kind, number.to_bytes(_SIZE, "big")):
                pairs.append((_key(eui, kind), number.to_bytes(_SIZE, "big")))
        return pairs

    def next_own(self):
        """Return the device's next counter (8 bytes), above every one before, across restarts."""
        if self._next >= self._limit:
            limit = self._next + _BLOCK
            self._journal.put(_OWN, limit.to_bytes(_SIZE, "big"))
            self._limit = limit
        self._next += 1
        return self._next.to_bytes(_SIZE, "big")


def _key(eui, kind):
    return "rx/%s/%d" % (hexlify(eui).decode(), kind)
