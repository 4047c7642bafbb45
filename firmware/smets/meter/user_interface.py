"""The meter's keypad and what it does; screen.py tells what is shown (SMETS2 5.5.11, 5.6.2). Cold, and optional.

Keys are `0` to `9`, `next`, `back`, `ok` and `clear`. Digits are gathered, and `ok` takes them:

    20 digits   a UTRN, on whatever page
    4 digits    the privacy PIN; on the page `privacy`, where there is none or it was given, a new one
    none        what the page offers: acknowledge the message, have read the customer identification number, activate
                emergency credit, close an armed supply

`clear` takes digits back; without any, on the page `privacy` and with the PIN given, it takes the PIN away. The PIN is
asked again when no key was pressed for two minutes.

Readings chosen, where SMETS2 leaves it to the maker: after three wrong PINs in a row each further try has to wait five
minutes, a restart between them or not; that is told as a failed authentication that has no other code (0x8F53).
Emergency credit, top-ups and closing the supply need no PIN: they give away
nothing, and a customer in the dark has to get out of it.
"""

from micropython import const

from smets.meter.errors import Refused
from smets.meter.fields import BOOL, Component

PAGES = const((
    "account", "tariff", "energy", "days", "cost", "credits", "debt", "emergency", "message", "number", "contact",
    "status", "privacy",
))  # fmt: skip
LINES = const(7)
"""Lines of a page that a display has room for under its title."""
_UTRN_DIGITS = const(20)
_PIN_DIGITS = const(4)
_UNLOCKED_S = const(120)
_LOCK_OUT_S = const(300)
_TRIES = const(3)
_NOT_AUTHENTICATED = const(0x8F53)
NOTHING, DONE, REFUSED, WRONG_PIN, WAIT = 0, 1, 2, 3, 4
"""What became of the last `ok`."""


class UserInterface(Component):
    """Where the customer is: the page and its first line that is shown, the digits typed, and what the last key did.

    `has_more`: there are lines of the page below those that are shown.
    """

    NAME = "user_interface"
    FIELDS = (
        ("page", ">B", 0, 0, 0, len(PAGES) - 1),
        ("top", ">B"),
        ("typed", _UTRN_DIGITS),
        ("outcome", ">B"),
        ("wrong_pins", ">B", 0, 0, 0, _TRIES),
        ("locked_until_s", ">I"),
        ("unlocked_until_s", ">I"),
        ("has_more", BOOL),
    )

    def press(self, key):
        """Take a key by its name; return (method, value) for the meter to carry out, or None. Raises Refused."""
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
            return self._take()
        else:
            raise Refused("the meter has no such key")
        return None

    def end(self, outcome):
        """Keep how a command ended."""
        self._set("outcome", outcome)

    def page_name(self):
        """Return the name of the page that is shown."""
        return PAGES[self.get("page")]

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
        page, top = self.get("page"), self.get("top") + step * LINES
        if top < 0 or (step > 0 and not self.get("has_more")):
            page, top = (page + step) % len(PAGES), 0
        self._set("page", page)
        self._set("top", top)

    def _clear(self):
        if self.get("typed"):
            self._set("typed", b"")
        elif self.page_name() == "privacy" and self.is_unlocked():
            self.meter.component("customer").put("privacy_pin", b"")
            self.end(DONE)

    def _take(self):
        """Return what the digits ask for, or what the page offers."""
        typed = self.get("typed")
        self._set("typed", b"")
        if len(typed) == _UTRN_DIGITS:
            return "credit.enter_token_locally", typed
        if len(typed) == _PIN_DIGITS:
            self._take_pin(typed)
        elif typed:
            self.end(REFUSED)
        else:
            return self._offer()
        return None

    def _take_pin(self, digits):
        customer = self.meter.component("customer")
        if self.is_unlocked():
            if self.page_name() != "privacy":
                self.end(REFUSED)
                return
            customer.put("privacy_pin", digits)
        elif self.wait_s():
            self.end(WAIT)
            return
        elif digits != customer.get("privacy_pin"):
            self._count_wrong_pin()
            return
        self._set("wrong_pins", 0)
        self._stay_unlocked()
        self.end(DONE)

    def _count_wrong_pin(self):
        """From the third in a row on, each wrong PIN is followed by a lock-out."""
        wrong = min(self.get("wrong_pins") + 1, _TRIES)
        self._set("wrong_pins", wrong)
        if wrong == _TRIES:
            self._set("locked_until_s", self.meter.time_s + _LOCK_OUT_S)
            self.meter.record(_NOT_AUTHENTICATED)
        self.end(WRONG_PIN)

    def _offer(self):
        """Return what the page offers, or None."""
        page, meter = self.page_name(), self.meter
        if page == "emergency":
            return "account.activate_emergency_credit", None
        if page == "status":
            return "supply.close_by_customer", None
        if page == "message" and self.is_unlocked() and meter.component("display").shown():
            return "display.acknowledge", None
        if page == "number" and self.is_unlocked() and meter.component("customer").number_shown():
            return "customer.forget_number", None
        return None

    def _stay_unlocked(self):
        self._set("unlocked_until_s", self.meter.time_s + _UNLOCKED_S)

    def _set(self, name, value):
        if self.get(name) != value:
            self.put(name, value)


COLD = (UserInterface,)
