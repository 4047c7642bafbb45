"""Faults that the bench sets: from then on an attribute or method fails, as if what lies behind it had."""


class Faults:
    """Result codes by class, OBIS code (6 octets) and attribute or method number."""

    def __init__(self):
        self._faults = {}

    def set(self, class_id, obis, member, result, method=None, after=0):
        """Let an attribute or method fail with a result code once it has worked `after` times; 0 lets it work again.

        `method` says which of the two it is; None is both.
        """
        for kind in (False, True) if method is None else (method,):
            self._faults[(class_id, bytes(obis), member, kind)] = [result, after]

    def clear(self):
        """Let everything work again."""
        self._faults.clear()

    def result(self, class_id, obis, member, method=False):
        """Return the result code that an attribute or method is to fail with this time, or 0."""
        fault = self._faults.get((class_id, bytes(obis), member, method))
        if fault is None:
            return 0
        if fault[1]:
            fault[1] -= 1
            return 0
        return fault[0]
