"""Faults that the bench sets: from then on an attribute or method fails, as if what lies behind it had."""


class Faults:
    """Result codes by class, OBIS code (6 octets) and attribute or method number."""

    def __init__(self):
        self._results = {}

    def set(self, class_id, obis, member, result):
        """Let an attribute or method fail with a result code; 0 lets it work again."""
        self._results[(class_id, bytes(obis), member)] = result

    def clear(self):
        """Let everything work again."""
        self._results.clear()

    def result(self, class_id, obis, member):
        """Return the result code that an attribute or method is to fail with, or 0."""
        return self._results.get((class_id, bytes(obis), member), 0)
