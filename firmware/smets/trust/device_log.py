"""The devices that this one may talk to on the home area network: its device log (GBCS 13.7, SMETS2 5.7.5)."""

from binascii import hexlify

from micropython import const

MAX_DEVICES = const(16)
_PREFIX = const("devices/")


class DeviceLog:
    """The entries in a journal: of each device, by its EUI (8 bytes), its type (GBCS device type, a number)."""

    def __init__(self, journal):
        self._journal = journal

    def type_of(self, eui):
        """Return the type of a device, or None when it has no entry."""
        record = self._journal.get(_key(eui))
        return None if record is None else record[0]

    def is_full(self):
        """Return whether no more entries fit."""
        return len(self._journal.keys(_PREFIX)) >= MAX_DEVICES

    def add(self, eui, device_type):
        """Enter a device; on flash when this returns."""
        self._journal.put(_key(eui), bytes((device_type,)))

    def remove(self, eui):
        """Strike a device out; on flash when this returns."""
        self._journal.delete(_key(eui))


def _key(eui):
    return _PREFIX + hexlify(eui).decode()
