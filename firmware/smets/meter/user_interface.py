"""The meter's keypad and what it does; pages.py says what is shown (SMETS2 5.5.11, 5.6.2). Cold, and optional.

Keys are `0` to `9`, `next`, `back`, `ok` and `clear`. Digits are gathered, and `ok` takes them:

    20 digits   a UTRN, on whatever page
    4 digits    the privacy PIN; on the page `privacy`, where there is none or it was given, a new one
    none        what the page offers: acknowledge the message, have read the customer identification number, activate
                emergency credit, close an armed supply

`clear` takes digits back; without any, on the page `privacy` and with the PIN given, it takes the PIN away. Each
command so given is told by 0x8161 or 0x8162. The PIN is asked again when no key was pressed for two minutes.

Readings chosen, where SMETS2 leaves it to the maker: after three wrong PINs in a row each further try has to wait five
minutes, a restart between them or not. Emergency credit, top-ups and closing the supply need no PIN: they give away
nothing, and a customer in the dark has to get out of it.
"""

from micropython import const

from smets import on_demand
from smets.meter.errors import MeterError, Refused
from smets.meter.fields import Component

PAGES = const((
    "account", "tariff", "energy", "days", "credits", "debt", "emergency", "message", "number", "contact", "status",
    "privacy",
))  # fmt: skip
_LINES = const(7)
"""Lines of a page that a display has room for under its title."""
_UTRN_DIGITS = const(20)
_PIN_DIGITS = const(4)
_UNLOCKED_S = const(120)
_LOCK_OUT_S = const(300)
_TRIES = const(3)
_DONE_EVENT = const(0x8161)
_REFUSED_EVENT = const(0x8162)
NOTHING, DONE, REFUSED, WRONG_PIN, WAIT = 0, 1, 2, 3, 4
"""What became of the last `ok`."""


class UserInterface(Component):
    """Where the customer is: the page and its first line that is shown, the digits typed, and what the last key did."""

    NAME = "user_interface"
    FIELDS = (
        ("page", ">B", 0, 0, 0, len(PAGES) - 1),
        ("top", ">B"),
        ("typed", _UTRN_DIGITS),
        ("outcome", ">B"),
        ("wrong_pins", ">B", 0, 0, 0, _TRIES),
        ("locked_until_s", ">I"),
        ("unlocked_until_s", ">I"),
    )
    METHODS = ("press",)

    def press(self, key):
        """Take a key, one of those named above as octets or text. Raises Refused for another."""
        key = key if isinstance(key, str) else bytes(key).decode()
        self._set("outcome", NOTHING)
        if self.is_unlocked():
            self._stay_unlocked()
        if len(key) == 1 and key in "0123456789":
            self._set("typed", (self.get("typed") + key.encode())[:_UTRN_DIGITS])
        elif key == "next" or key == "back":
            self._turn(1 if key == "next" else -1)
        elif key == "clear":
            self._clear()
        elif key == "ok":
            self._take()
        else:
            raise Refused("the meter has no such key")

    def page_name(self):
        """Return the name of the page that is shown."""
        return PAGES[self.get("page")]

    def lines(self):
        """Return what the display shows: at most eight lines of at most 16 characters, all ASCII."""
        lines = on_demand.call("smets.meter.pages", "lines", self.meter, self, self.page_name())
        top = self.get("top")
        return lines[:1] + lines[1 + top : 1 + top + _LINES]

    def is_unlocked(self):
        """Return whether personal data may be shown: there is no PIN, or it was given just now."""
        if not self.meter.component("customer").get("privacy_pin"):
            return True
        return 0 < self.get("unlocked_until_s") - self.meter.time_s <= _UNLOCKED_S

    def wait_s(self):
        """Return for how long no PIN is taken. A clock that is set back does not make it longer."""
        left_s = self.get("locked_until_s") - self.meter.time_s
        return left_s if 0 < left_s <= _LOCK_OUT_S else 0

    def _turn(self, step):
        """Show the page's next lines, or the next page."""
        page, top = self.get("page"), self.get("top") + step * _LINES
        if step > 0:
            lines = on_demand.call("smets.meter.pages", "lines", self.meter, self, self.page_name())
        if top < 0 or (step > 0 and 1 + top >= len(lines)):
            page, top = (page + step) % len(PAGES), 0
        self._set("page", page)
        self._set("top", top)

    def _clear(self):
        if self.get("typed"):
            self._set("typed", b"")
        elif self.page_name() == "privacy" and self.is_unlocked():
            self.meter.component("customer").put("privacy_pin", b"")
            self._end(DONE)

    def _take(self):
        """Do what the digits say, or what the page offers."""
        typed = self.get("typed")
        self._set("typed", b"")
        try:
            if len(typed) == _UTRN_DIGITS:
                self.meter.call("credit.enter_token_locally", typed)
                self._end(DONE)
            elif len(typed) == _PIN_DIGITS:
                self._take_pin(typed)
            elif typed:
                raise Refused("neither PIN nor UTRN")
            elif self._offer():
                self._end(DONE)
        except MeterError:
            self._end(REFUSED)

    def _take_pin(self, digits):
        customer = self.meter.component("customer")
        if self.is_unlocked():
            if self.page_name() != "privacy":
                raise Refused("no PIN is asked for")
            customer.put("privacy_pin", digits)
        elif self.wait_s():
            self._end(WAIT)
            return
        elif digits != customer.get("privacy_pin"):
            self._count_wrong_pin()
            return
        self._set("wrong_pins", 0)
        self._stay_unlocked()
        self._end(DONE)

    def _count_wrong_pin(self):
        """From the third in a row on, each wrong PIN is followed by a lock-out."""
        wrong = min(self.get("wrong_pins") + 1, _TRIES)
        self._set("wrong_pins", wrong)
        if wrong == _TRIES:
            self._set("locked_until_s", self.meter.time_s + _LOCK_OUT_S)
        self._end(WRONG_PIN)

    def _offer(self):
        """Do what the page offers and return whether there was anything. Raises Refused when it cannot be done."""
        page, meter = self.page_name(), self.meter
        if page == "emergency":
            meter.call("account.activate_emergency_credit", None)
        elif page == "status":
            meter.call("supply.close_by_customer", None)
        elif page == "message" and self.is_unlocked() and meter.component("display").shown():
            meter.component("display").put("acknowledged", True)
        elif page == "number" and self.is_unlocked() and meter.component("customer").number_shown():
            meter.component("customer").forget_number()
        else:
            return False
        return True

    def _stay_unlocked(self):
        self._set("unlocked_until_s", self.meter.time_s + _UNLOCKED_S)

    def _end(self, outcome):
        """Keep how a command ended, and tell of it."""
        self._set("outcome", outcome)
        self.meter.record(_DONE_EVENT if outcome == DONE else _REFUSED_EVENT)

    def _set(self, name, value):
        if self.get(name) != value:
            self.put(name, value)


COLD = (UserInterface,)
