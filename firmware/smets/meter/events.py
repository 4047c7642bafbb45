"""What happens is recorded here: into the logs that a code goes to, and into the queues of what is to be told.

Where a code goes is `flags_of(code)`, handed in: the flags of the packed alert table. Parties may have changed that for
the codes of theirs; then their masks lie in the journal as alert_settings.py put them there.

What is sent to remote parties outlives a power cut. What is announced to the HAN or sounded at the meter does not: it
is of the moment, and nobody is there to see or hear it (notices.py tells it).
"""

import struct

from micropython import const

_SENT = const(2)
_EVENT_LOG = const(4)
_SECURITY_LOG = const(8)
_POWER_EVENT_LOG = const(16)
_LOGGED = const(28)
_ANNOUNCED = const(128)
_SOUNDED = const(256)
_NOTICED = const(384)
_SETTINGS = "meter/alert_settings"
_WAN_MASKS = (140, 0)
_LOG_MASKS = (175, 105)
"""Where the masks of 80xx, the network operator's, and of 81xx, the supplier's, start in the settings."""
_HAN_MASK = const(35)
_AUDIBLE_MASK = const(70)
"""Only the supplier has these."""
_LAST_OF_MASK = const(34)
_WAITING = ">HIB"
_WAITING_SIZE = const(7)
_MAX_WAITING = const(32)
"""Events that wait to be sent; beyond that the oldest is dropped and counted."""
_MAX_NOTICES = const(16)
"""Events that wait to be announced or sounded; beyond that the oldest is dropped."""


class Events:
    """The queues of events that are to be told, and the way into the logs.

    `notices` are those to be announced or sounded, as (code, time_s, flags), the oldest first; `told` counts those that
    were, since the device started. `sounding` is the code for which the meter sounds, until `silent_s`, or sounded
    last; `sounded` counts them.
    """

    def __init__(self, logs, flags_of=None, stored=None):
        self._logs = logs
        self.flags = flags_of or (lambda code: _SENT | _EVENT_LOG)
        self._stored = stored or (lambda key: None)
        self._waiting = []
        self.notices = []
        self.told = self.sounding = self.silent_s = self.sounded = 0
        self.dropped = 0
        self.unsaved = False

    def record(self, code, time_s, body=b"", information=b"", measured=0):
        """Log an event and, when its code is one that is sent, queue it.

        `body` is for the alert; `information` (a message code for instance) is what the event log keeps besides,
        `measured` what the power event log does.
        """
        flags = self._settled(code, self.flags(code))
        if flags & _EVENT_LOG:
            self._logs.append("event", (time_s, code, information))
        if flags & _SECURITY_LOG:
            self._logs.append("security", (time_s, code))
        if flags & _POWER_EVENT_LOG:
            self._logs.append("power_event", (time_s, code, measured))
        if flags & _SENT:
            self.queue(code, time_s, body)
        if flags & _NOTICED:
            self.notices = self.notices[1 - _MAX_NOTICES :] + [(code, time_s, flags)]

    def queue(self, code, time_s, body=b""):
        """Queue an event without logging it."""
        if len(self._waiting) == _MAX_WAITING:
            self._waiting.pop(0)
            self.dropped += 1
        self._waiting.append((code, time_s, bytes(body)))
        self.unsaved = True

    def _settled(self, code, flags):
        """Return a code's flags as its party has changed them; a log that the table names none for is the usual one."""
        party = (code >> 8) - 0x80
        settings = self._stored(_SETTINGS) if 0 <= party <= 1 else None
        if settings is None:
            return flags
        octet, bit = _LAST_OF_MASK - ((code & 0xFF) >> 3), 1 << (code & 7)
        flags = flags | _SENT if settings[_WAN_MASKS[party] + octet] & bit else flags & ~_SENT
        if party:
            flags = flags | _ANNOUNCED if settings[_HAN_MASK + octet] & bit else flags & ~_ANNOUNCED
            flags = flags | _SOUNDED if settings[_AUDIBLE_MASK + octet] & bit else flags
        if not settings[_LOG_MASKS[party] + octet] & bit:
            return flags & ~_LOGGED
        return flags if flags & _LOGGED else flags | (_EVENT_LOG if party else _POWER_EVENT_LOG)

    def take(self):
        """Return the oldest waiting event as (code, time_s, body), or None."""
        if not self._waiting:
            return None
        self.unsaved = True
        return self._waiting.pop(0)

    def give_back(self, event):
        """Let what `take` returned be the oldest that waits again; when others took all the room it is dropped."""
        if len(self._waiting) == _MAX_WAITING:
            self.dropped += 1
        else:
            self._waiting.insert(0, event)

    def waiting(self):
        """Return what waits and whether that is on flash, for `set_waiting`."""
        return self._waiting[:], self.unsaved, self.dropped, self.notices

    def set_waiting(self, before):
        """Let wait what `waiting` returned."""
        self._waiting, self.unsaved, self.dropped, self.notices = before

    def state(self):
        """Return the queue as octets to be stored: an alert that waits outlives a power cut."""
        return b"".join([struct.pack(_WAITING, code, time_s, len(body)) + body for code, time_s, body in self._waiting])

    def restore(self, packed):
        """Take a stored queue back."""
        place = 0
        while place < len(packed):
            code, time_s, size = struct.unpack_from(_WAITING, packed, place)
            place += _WAITING_SIZE
            self._waiting.append((code, time_s, bytes(packed[place : place + size])))
            place += size
