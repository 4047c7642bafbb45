"""What the meter's display shows: a title and lines of at most 16 ASCII characters (SMETS2 5.5.11). Loaded when shown.

With a privacy PIN that was not given, what is personal is withheld: balance, debt, consumption, payments, the message
and the customer identification number. After a change of tenancy (ECS12) days, payments and a message from before its
date are not shown, whether it has come or not; the registers and the account as they stand are. The supplier's reads
are of all rows. Each command given at the keypad is told by 0x8161 or 0x8162.

The heap of a small board holds the keypad, a page, or what a key asks for, and never two of them: each is dropped
before another comes, and `press` and `show` are best called in rounds of their own.
"""

from micropython import const

from smets import on_demand
from smets.meter.errors import MeterError
from smets.meter.user_interface import DONE, LINES, REFUSED, WAIT, WRONG_PIN

_DONE = const(0x8161)
_REFUSED = const(0x8162)
_WIDTH = const(16)
_PIN_DIGITS = const(4)
_MODULES = const((
    ("smets.meter.pages_money", ("account", "tariff", "credits", "debt", "emergency")),
    ("smets.meter.pages_energy", ("energy", "days", "cost")),
    ("smets.meter.pages_notices", ("message", "number", "contact", "status", "privacy")),
))  # fmt: skip
_OPEN = const(("tariff", "emergency", "contact", "status", "privacy"))
"""Pages on which nothing is personal."""
_OUTCOMES = {DONE: "Done", REFUSED: "Not accepted", WRONG_PIN: "Wrong PIN"}
_WITHHELD = const(("Enter your PIN", "and press OK"))


def press(meter, key):
    """Press a key and do what it asks for. Raises Refused when the meter has no such key."""
    meter.events.silent_s = 0  # somebody is here and has heard it
    interface = meter.component("user_interface")
    wanted, outcome = interface.press(key), interface.get("outcome")
    interface = None
    _make_room(meter)
    if wanted:
        outcome = _carry_out(meter, wanted[0], wanted[1])
    if outcome:
        meter.record(_DONE if outcome == DONE else _REFUSED)


def _carry_out(meter, path, value):
    """Call a method of the meter and return how that ended."""
    try:
        meter.call(path, value)
        outcome = DONE
    except MeterError:
        outcome = REFUSED
    _make_room(meter)
    meter.component("user_interface").end(outcome)
    _make_room(meter)
    return outcome


def show(meter):
    """Return (name of the page, the lines that are shown), at most eight."""
    interface = meter.component("user_interface")
    name, top, unlocked = interface.page_name(), interface.get("top"), interface.is_unlocked()
    found = [name.upper()]
    found.extend(_said(interface, name, unlocked))
    interface = None
    _make_room(meter)
    found.extend(_content(meter, name, unlocked) if unlocked or name in _OPEN else _WITHHELD)
    _make_room(meter)
    interface = meter.component("user_interface")
    has_more = len(found) > 1 + top + LINES
    if interface.get("has_more") != has_more:
        interface.put("has_more", has_more)
    _make_room(meter)
    return name, [line[:_WIDTH] for line in found[:1] + found[1 + top : 1 + top + LINES]]


def _make_room(meter):
    meter.commit()
    meter.release()


def _said(interface, name, unlocked):
    """Return what was typed, or what became of it."""
    typed, outcome = interface.get("typed").decode(), interface.get("outcome")
    if typed:
        return _typed(typed, unlocked)
    if interface.wait_s() and (outcome == WAIT or name == "privacy"):
        return ["Wait %d s" % interface.wait_s()]
    return [_OUTCOMES[outcome]] if outcome in _OUTCOMES else []


def _typed(digits, unlocked):
    """Return digits in groups of four; what may be a PIN that is asked for is not shown."""
    if len(digits) <= _PIN_DIGITS and not unlocked:
        return ["*" * len(digits)]
    groups = [digits[place : place + 4] for place in range(0, len(digits), 4)]
    return [" ".join(groups[place : place + 3]) for place in range(0, len(groups), 3)]


def _content(meter, name, unlocked):
    for module, names in _MODULES:
        if name in names:
            return on_demand.call(module, name, meter, unlocked)
    return ()
