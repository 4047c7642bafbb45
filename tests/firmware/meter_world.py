"""A meter with stand-ins in RAM for what roles hand it, and access-requests made by hand."""

import struct

from smets.bench.faults import Faults
from smets.cosem.access import AccessContext, AccessService
from smets.cosem.sink import BufferSink
from smets.cosem.table import ObjectTable
from smets.meter.model import Meter
from tests.firmware.memory_journal import MemoryJournal

TABLE = __file__.rsplit("tests/firmware/", 1)[0] + "firmware/tables/esme.objects"
DEVICE = b"\x00\xdb\x12\x34\x56\x78\x90\xa0"
PARTY = b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"
BROKER = b"\x90\xb3\xd5\x1f\x30\x00\x00\x02"
TAG = b"twelve bytes"
START_S = 473385600  # 2015-01-01T00:00:00Z, a Thursday
HOUR_S = 3600
DAY_S = 86400


class MemoryLog:
    """The interface of smets.store.segments.SegmentLog, in a list."""

    def __init__(self, record_size, capacity):
        self.record_size, self.capacity, self.records, self.oldest = record_size, capacity, [], 0

    def __len__(self):
        return len(self.records)

    @property
    def end(self):
        return self.oldest + len(self.records)

    def append(self, record, at_once=True):
        assert len(record) == self.record_size
        self.records.append(bytes(record))
        if len(self.records) > self.capacity:
            self.records.pop(0)
            self.oldest += 1

    def read_into(self, index, buffer):
        buffer[: self.record_size] = self.records[index]

    def sync(self):
        pass

    def clear(self):
        self.oldest += len(self.records)
        self.records = []

    def close(self):
        pass


class Stores:
    """Opens each log once, and keeps it as flash would."""

    def __init__(self):
        self.logs = {}

    def __call__(self, name, record_size, capacity):
        if name not in self.logs:
            self.logs[name] = MemoryLog(record_size, capacity)
        return self.logs[name]


class Tokens:
    """A token verifier that knows what it is told: digits -> (refusal, pence, number)."""

    def __init__(self, known):
        self.known, self.accepted = known, []

    def check(self, digits, by_hand, time_s):
        return self.known.get(bytes(digits), (0x8F63, 0, 0))

    def used(self, number):
        self.accepted.append(number)
        return "utrn/seen", b"%d" % number


class Protector:
    """Leaves the clear text as it is, so that a test can read it."""

    def seal(self, buffer):
        self.length = len(buffer)
        return TAG


def flags_at_first(code):
    """Every event is sent and in the event log, but that of a command, which is not sent unless its party wants it."""
    return 4 if code in (0x8154, 0x8155) else 6


def make_meter(time_s=START_S, journal=None, stores=None, flags_of=flags_at_first, **given):
    journal_of_it, stores = MemoryJournal() if journal is None else journal, Stores() if stores is None else stores
    meter = Meter(journal_of_it, stores, flags_of, **given)
    if journal is None:
        meter.write("clock.time_s", time_s)
    return meter


def events(meter):
    """Take every waiting event's code."""
    found = []
    event = meter.take_event()
    while event:
        found.append(event[0])
        event = meter.take_event()
    return found


class World:
    """A meter behind its access service."""

    def __init__(self, meter=None, faults=None):
        self.meter = meter or make_meter()
        self.faults = faults or Faults()
        self.service = AccessService(ObjectTable(TABLE), self.meter, self.faults)
        self.forbidden = ()
        self.context = AccessContext(DEVICE, PARTY, 1000, 0x0027, self._allowed, Protector(), b"origin")
        self.asked = []
        self.size = 4096

    def _allowed(self, kind, class_id, obis, member, inner):
        self.asked.append((kind, class_id, obis, member, inner))
        return class_id not in self.forbidden and (inner is None or inner[0] not in self.forbidden)

    def raw(self, request):
        sink = BufferSink(bytearray(self.size))
        self.service.execute(memoryview(request), self.context, sink)
        return bytes(sink.written())

    def ask(self, *items):
        """Carry out items (choice, class, OBIS as text, member, data[, selection]); return ([results], data octets)."""
        answer = self.raw(request_of(*items))
        head = b"\xda\x20\x00\x03\xe8\x00\x00" + bytes([len(items)])
        assert answer[: len(head)] == head
        tail = len(answer) - 2 * len(items) - 1
        assert answer[tail] == len(items)
        places = range(tail + 1, len(answer), 2)
        assert [answer[place] for place in places] == [1 if item[0] == 4 else item[0] for item in items]
        return [answer[place + 1] for place in places], answer[len(head) : tail]


def obis_of(text):
    """Return the six octets of `A-B:C.D.E[.F]`."""
    numbers = [int(part) for part in text.replace("-", ".").replace(":", ".").split(".")]
    return bytes(numbers + [255] * (6 - len(numbers)))


def request_of(*items, counter=1000):
    """Return an access-request as octets."""
    specifications, data = b"", b""
    for item in items:
        specifications += struct.pack(">BH6sb", item[0], item[1], obis_of(item[2]), item[3])
        specifications += item[5] if len(item) > 5 else b""
        data += item[4] if len(item) > 4 else b"\x00"
    count = bytes([len(items)])
    return b"\xd9" + struct.pack(">I", 0x20000000 | counter) + b"\x00" + count + specifications + count + data


def u16(value):
    return struct.pack(">BH", 0x12, value)


def u32(value):
    return struct.pack(">BI", 0x06, value)


def octets(value):
    return bytes([9, len(value)]) + value


def time_range(from_s, to_s):
    """Return selector 1 with a range of the clock as the reference messages have it."""
    clock = b"\x02\x04" + u16(1) + octets(b"\x00\x00\x5e\x2c\x64\xff") + b"\x0f\x02" + u16(0)
    return b"\x01\x02\x04" + clock + u32(from_s) + u32(to_s) + b"\x01\x00"
