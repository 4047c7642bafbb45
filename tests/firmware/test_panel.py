"""A display and a keypad wired to a board: what one reads there, what keys do, and what a contact's bounce does not."""

from smets.meter.user_interface import PAGES
from smets.terminals.keypad import KEYS, Keypad
from smets.terminals.panel import Panel
from tests.firmware.account_world import ARMED, ENABLED, POUND, prepaid, use
from tests.firmware.meter_world import Tokens, make_meter
from tests.firmware.skipping import SkipTest
from tests.firmware.ssd1306 import Ssd1306

UTRN = "12345678901234567890"


def needs_framebuf():
    try:
        import framebuf  # noqa: F401
    except ImportError:
        raise SkipTest("framebuf, which has the letters, is MicroPython's; here there is none") from None


class Matrix:
    """Sixteen contacts and the pins at them. A contact that is let go of, or not yet steady, opens after some looks."""

    def __init__(self, clock):
        self.clock = clock
        self.down = ()
        self.low = [True] * 4
        self.rows = [Row(self, number) for number in range(4)]
        self.columns = [Column(self, number) for number in range(4)]
        self.steady_until_us = None

    def is_closed(self, row, column):
        if self.steady_until_us is not None and self.clock.now_us >= self.steady_until_us:
            return False
        return (row, column) in self.down


class Row:
    def __init__(self, matrix, number):
        self.matrix, self.number = matrix, number

    def value(self, level):
        self.matrix.low[self.number] = not level


class Column:
    def __init__(self, matrix, number):
        self.matrix, self.number = matrix, number

    def value(self):
        pulled = [row for row in range(4) if self.matrix.low[row] and self.matrix.is_closed(row, self.number)]
        return 0 if pulled else 1


class Clock:
    """A clock that stands still but for those who sleep."""

    def __init__(self):
        self.now_us = 1000000

    def ticks_ms(self):
        return self.now_us // 1000

    def ticks_diff(self, later_ms, earlier_ms):
        return later_ms - earlier_ms

    def sleep_us(self, duration_us):
        self.now_us += duration_us


class Hallway:
    """Somebody before a meter with a panel: `press` is a finger, `rounds` the meter's loop, `read` the eyes."""

    def __init__(self, meter):
        self.meter, self.clock, self.display = meter, Clock(), Ssd1306()
        self.matrix = Matrix(self.clock)
        self.keypad = Keypad(self.matrix.rows, self.matrix.columns, self.clock)
        self.panel = Panel(self.display, self.keypad, self.clock)

    def press(self, *keys):
        """Press keys one after the other, each for 80 ms, while the meter does something else."""
        for key in keys:
            self.matrix.down = (divmod(KEYS.index(key), 4),)
            self.keypad.press()
            self.clock.now_us += 80000
            self.matrix.down = ()
            self.clock.now_us += 40000

    def rounds(self, count=1):
        for _ in range(count):
            self.clock.now_us += 100000
            self.panel.follow(self.meter)

    def read(self, *keys):
        """Press keys, let the meter take them and draw, and return what is to be read."""
        self.press(*keys)
        self.rounds(len(keys) + 1)
        return self.display.read()

    def wait(self, seconds):
        """Let time pass for board and meter alike, in rounds of a second."""
        for _ in range(seconds):
            use(self.meter, 1, 500)
            self.clock.now_us += 900000
            self.rounds()


def test_every_key_is_told_apart():
    hallway = Hallway(None)
    for row, names in enumerate(("1 2 3 next", "4 5 6 back", "7 8 9 clear", "clear 0 ok ok")):
        for column, name in enumerate(names.split()):
            hallway.matrix.down = ((row, column),)
            hallway.keypad.press()
            hallway.matrix.down = ()
            assert hallway.keypad.take() == name, (row, column)
            hallway.clock.now_us += 100000
    assert hallway.keypad.take() is None
    assert hallway.matrix.low == [True] * 4  # the next key is noticed whatever row it is in


def test_a_contact_that_bounces_is_one_key():
    hallway = Hallway(None)
    hallway.matrix.down = ((0, 0),)
    for after_us in (0, 500, 1500, 9000):  # closing: edges come again
        hallway.keypad.press()
        hallway.clock.now_us += after_us
    hallway.clock.now_us += 500000
    for shut_us in (100, 800, 2500):  # opening: short contacts
        hallway.matrix.steady_until_us = hallway.clock.now_us + shut_us
        hallway.keypad.press()
        hallway.clock.now_us += 1000
    assert hallway.keypad.take() == "1" and hallway.keypad.take() is None


def test_an_edge_without_a_key_is_none():
    hallway = Hallway(None)
    hallway.keypad.press()
    assert hallway.keypad.take() is None


def test_keys_wait_until_they_are_taken_and_one_too_many_is_lost():
    hallway = Hallway(None)
    for _ in range(3):  # round the end of the ring
        hallway.press(*UTRN)
        assert "".join([hallway.keypad.take() for _ in range(20)]) == UTRN
    hallway.press(*("1" * 40))
    taken = 0
    while hallway.keypad.take():
        taken += 1
    assert taken == 31


def test_the_balance_is_to_be_read_on_the_display():
    needs_framebuf()
    hallway = Hallway(prepaid(12 * POUND + 34000))
    hallway.rounds()
    assert hallway.display.read() == ["ACCOUNT", "Prepayment", "Balance", "12.34 GBP", "Supply on"]


def test_every_page_is_turned_to_and_is_what_the_meter_has_to_say():
    needs_framebuf()
    meter = prepaid(5 * POUND, time_debt_1=240000, payment_debt=20 * POUND)
    meter.write("display.message", b"Please read me.")
    meter.write("customer.identification_number", b"1234567890")
    meter.write("customer.supplier_name", b"Octave Energy")
    use(meter, 1)
    hallway, seen = Hallway(meter), {}
    lines = hallway.read("clear")
    while len(seen) < len(PAGES):
        seen.setdefault(lines[0], lines)
        lines = hallway.read("next")
        assert len(lines) <= 8 and lines[0].lower() in PAGES, lines
    assert seen["DEBT"][1:3] == ["Debt 1", "2.40 GBP"]
    assert seen["MESSAGE"][1] == "Please read me." and seen["NUMBER"][1] == "1234567890"
    assert seen["CONTACT"][1] == "Octave Energy" and seen["STATUS"][1:3] == ["Supply", " On"]
    assert seen["EMERGENCY"][1] == "Not available" and "30.00 p/kWh" in seen["TARIFF"]


def test_a_utrn_typed_while_the_meter_is_busy_is_a_top_up():
    needs_framebuf()
    meter = prepaid(1000, disablement_threshold=0)
    meter.tokens = Tokens({UTRN.encode(): (0, 500, 1)})
    use(meter, 3600, 1000)
    hallway = Hallway(meter)
    assert hallway.read(*UTRN)[1:3] == ["1234 5678 9012", "3456 7890"]
    assert "Done" in hallway.read("ok") and meter.read("supply.state") == ARMED
    while hallway.read("next")[0] != "STATUS":
        pass
    hallway.read("ok")
    assert meter.read("supply.state") == ENABLED


def test_a_pin_is_not_to_be_read():
    needs_framebuf()
    meter = prepaid(5 * POUND)
    meter.write("customer.privacy_pin", b"2468")
    hallway = Hallway(meter)
    assert hallway.read("2", "4")[1:] == ["**", "Enter your PIN", "and press OK"]
    assert "5.00 GBP" in hallway.read("6", "8", "ok")


def test_the_display_goes_dark_and_the_next_key_only_wakes_it():
    needs_framebuf()
    hallway = Hallway(make_meter())
    assert hallway.read("next")[0] == "TARIFF"
    hallway.wait(115)
    assert hallway.display.read()[0] == "TARIFF"
    hallway.wait(10)
    assert hallway.display.read() is None
    drawn = hallway.display.drawn
    hallway.wait(30)
    assert hallway.display.read() is None and hallway.display.drawn == drawn
    assert hallway.read("next")[0] == "TARIFF" and hallway.read("next")[0] == "ENERGY"


def test_what_is_shown_keeps_up_with_the_meter():
    needs_framebuf()
    hallway = Hallway(make_meter())
    while hallway.read("next")[0] != "ENERGY":
        pass
    before = hallway.display.read()
    use(hallway.meter, 3600, 1000)
    hallway.rounds(60)
    assert before[2] == "0.000 kWh" and hallway.display.read()[2] == "1.000 kWh"


def test_a_board_that_is_no_meter_yet_says_what_to_run():
    needs_framebuf()
    hallway = Hallway(None)
    assert hallway.read("ok", "1") == ["NO METER YET", "", "Run:", " smets device", " provision"]


def test_a_display_that_comes_and_goes_harms_nothing():
    needs_framebuf()
    meter = make_meter()
    hallway = Hallway(meter)
    hallway.display.is_there = False
    failed = 0
    for _ in range(120):  # twelve seconds
        try:
            hallway.rounds()
        except OSError:  # the device notes it, once
            failed += 1
    assert 2 <= failed <= 4
    hallway.display = hallway.panel._i2c = Ssd1306()  # another one is plugged in
    hallway.rounds(60)
    assert hallway.display.read()[0] == "ACCOUNT"
