"""A journal in RAM with the interface of smets.store.journal, for tests that do not cut the power."""


class MemoryJournal:
    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

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
