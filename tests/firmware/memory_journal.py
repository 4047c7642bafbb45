"""A journal in RAM with the interface of smets.store.journal, for tests that do not cut the power."""


class MemoryJournal:
    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def view(self, key):
        return _Long(self, key) if len(self.values.get(key, b"")) > 256 else None

    def put(self, key, value):
        self.put_many([(key, value)])

    def put_many(self, pairs):
        for key, value in pairs:
            assert 0 < len(key.encode()) <= 24 and (value is None or len(value) <= 4096)
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = bytes(value)

    def delete(self, key):
        self.values.pop(key, None)

    def keys(self, prefix=""):
        return sorted([key for key in self.values if key.startswith(prefix)])


class _Long:
    def __init__(self, journal, key):
        self._journal, self._key, self._was = journal, key, journal.get(key)

    def part(self, first, size):
        return self._was[first : first + size]

    def is_same(self):
        return self._journal.get(self._key) == self._was
