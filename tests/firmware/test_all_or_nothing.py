"""A command that the device itself cannot finish, for want of heap or of flash, is taken back whole and says so.

Every place where the store is written or read, and every call into the model, is made to fail once.
"""

from smets.message import activation
from smets.meter.measurement import Measurement
from smets.meter.schedule import NEVER
from smets.roles.firmware_update import Firmware
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.meter_world import START_S, World, make_meter, octets, u16, u32

HARDWARE_FAULT, TEMPORARY_FAILURE, OTHER_REASON = 1, 2, 250
NOW, TOMORROW = bytes(9) + b"\x80\x00\xff", bytes.fromhex("07df0102ff000000008000ff")
THRESHOLD = (2, 9000, "0-0:94.44.128.7", 4, u32(6900))
AT_ONCE = (2, 9000, "0-0:94.44.128.7", 6, octets(NOW))
LATER = (2, 9000, "0-0:94.44.128.7", 6, octets(TOMORROW))
MESSAGE = (2, 1, "0-2:96.13.1", 2, octets(b"all or nothing"))
OPEN = (3, 9, "0-0:10.0.106", 1, u16(52))
ITEMS = (THRESHOLD, AT_ONCE, THRESHOLD, LATER, MESSAGE, OPEN)


class FailingJournal(MemoryJournal):
    """A journal whose `fail_at`th call raises `error`; with `after`, when its work is done."""

    def __init__(self):
        super().__init__()
        self.fail_at, self.calls, self.error = 0, 0, OSError(28)

    def _count(self):
        self.calls += 1
        if self.calls == self.fail_at:
            raise self.error

    def get(self, key):
        self._count()
        return super().get(key)

    def put_many(self, pairs):
        self._count()
        super().put_many(pairs)

    def put_nothing(self, pairs):
        raise OSError(28)


def everything(meter, journal):
    """Return all of a meter's state: what is on flash, in its resident parts, pending and waiting."""
    flash = dict(journal.values)
    return flash, [bytes(state) for state in meter.states()[:-1]], meter.schedule.pending, meter.events.waiting()[0]


def prepared(error):
    journal = FailingJournal()
    meter = make_meter(journal=journal)
    meter.write("clock.time_s", START_S)
    meter.commit()
    journal.calls, journal.error = 0, error
    return journal, meter, World(meter)


def failed_everywhere(error, result, *items):
    """Let each call to the journal fail in turn; every answer is whole, or says that nothing was done and means it."""
    fail_at, answered = 0, [result]
    while answered[0] != 0:
        fail_at += 1
        journal, meter, world = prepared(error)
        before = everything(meter, journal)
        journal.fail_at = fail_at
        answered, data = world.ask(*items)
        journal.fail_at = 0
        if answered[0]:
            assert answered == [result] + [OTHER_REASON] * (len(items) - 1), (fail_at, answered)
            assert data == bytes(len(items)) and everything(meter, journal) == before, fail_at
            again, _ = world.ask(*items)
            assert again == [0] * len(items), (fail_at, again)
    assert fail_at > 1
    assert everything(meter, journal) != before


def test_a_full_flash_takes_settings_and_actions_back():
    failed_everywhere(OSError(28), HARDWARE_FAULT, *ITEMS)


def test_a_full_heap_takes_them_back_too():
    failed_everywhere(MemoryError(), TEMPORARY_FAILURE, *ITEMS)


def half_done(journal, meter, name, seen):
    """Let the meter's method `name` run out of heap when its work is done; `seen` gets what it did."""
    real = getattr(meter, name)

    def half_way(*arguments):
        real(*arguments)
        seen.append(everything(meter, journal))
        raise MemoryError()

    setattr(meter, name, half_way)
    return real


def test_a_model_that_runs_out_of_heap_half_way_is_taken_back():
    for name in ("write", "activate", "call"):
        journal, meter, world = prepared(MemoryError())
        before, seen = everything(meter, journal), []
        real = half_done(journal, meter, name, seen)
        answered, _ = world.ask(*ITEMS)
        setattr(meter, name, real)
        assert answered == [TEMPORARY_FAILURE] + [OTHER_REASON] * (len(ITEMS) - 1), name
        assert seen and everything(meter, journal) == before, name


def test_energy_that_flowed_is_not_taken_back():
    journal, meter, world = prepared(OSError(28))
    load = Measurement()
    load.import_w = 3600
    meter.advance(START_S + 100, load)
    flowed = meter.read("registers.active_import_wh"), meter.time_s
    put, journal.put_many = journal.put_many, journal.put_nothing
    answered, _ = world.ask(THRESHOLD, LATER)
    journal.put_many = put
    assert answered == [HARDWARE_FAULT, OTHER_REASON]
    assert (meter.read("registers.active_import_wh"), meter.time_s) == flowed == (100, START_S + 100)
    assert meter.activation("load_limit.power_threshold_w") == NEVER


class _HalfWayJournal(MemoryJournal):
    """Fails once, when it is to keep how an instruction ended."""

    fails = True

    def put_many(self, pairs):
        if self.fails and "told/0102" in dict(pairs):
            self.fails = False
            raise OSError(5)
        super().put_many(pairs)


class _Device:
    store, with_bench = "there are no slots", True


class _Station:
    """What an activation wants of the station."""

    def __init__(self, meter):
        self.meter, self.journal, self.due_s = meter, meter.journal, 0
        self.firmware = Firmware(_Device(), meter)


def test_an_activation_that_flash_did_not_take_is_told_as_it_ends_the_next_time():
    image = bytes(range(32))
    meter = make_meter(journal=_HalfWayJournal())
    meter.write("firmware.image_hash", image)
    meter.write("firmware.image_version", b"\x01\x23\xab\xcd")
    meter.commit(True)
    instruction = (START_S, 1, 0x0102, bytes(8), bytes(8), image)
    station = _Station(meter)
    try:
        activation.carry_out(instruction, station)
        raise AssertionError("flash failed")
    except OSError:
        pass
    meter.release()
    assert meter.read("firmware.image_hash") == image and not meter.staged
    activation.carry_out(instruction, station)
    assert b"\x8f\x66" in meter.journal.get("told/0102") and b"\x8f\x67" not in meter.journal.get("told/0102")
    assert meter.read("firmware.version") == b"\x01\x23\xab\xcd"
