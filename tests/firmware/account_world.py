"""A meter with an account: prices, debts, top-ups and what the account comes to, for tests of payment."""

from smets.meter.measurement import Measurement
from tests.firmware.meter_world import START_S, Tokens, events, make_meter

DISABLED, ENABLED, ARMED = 0, 1, 2
CREDIT_MODE, PREPAYMENT_MODE = 1, 2
POUND = 100000
PRICE = 30
"""Millipence a Wh: 30 pence a kWh."""
_COMPONENTS = (
    ("account", ("low_credit_threshold_millipence", "emergency_credit_threshold_millipence")),
    ("credit", ("max_credit_millipence", "max_meter_balance_millipence", "debt_share", "recovery_cap_pence")),
    ("debts", ("rate_1", "rate_1_scale", "period_1_s", "rate_2", "rate_2_scale", "period_2_s")),
    ("prices", ("standing_charge", "standing_charge_scale")),
    ("payment", ("emergency_credit_active", "mode")),
)
_SHOWN = ("meter_balance", "emergency_credit_balance", "time_debt_1", "time_debt_2", "payment_debt", "accumulated_debt")


class AnyTokens(Tokens):
    """Takes every token: its digits are its number, a colon and its pence."""

    def __init__(self):
        super().__init__({})

    def check(self, digits, by_hand, time_s):
        number, pence = bytes(digits).split(b":")
        return 0x8F51 if int(number) in self.accepted else 0, int(pence), int(number)


def set_fields(meter, fields):
    """Set fields of the account by their names, without `_millipence`."""
    for name, value in fields.items():
        for component, names in _COMPONENTS:
            for known in (name, name + "_millipence"):
                if known in names:
                    meter.write(component + "." + known, value)
                    break
            else:
                continue
            break
        else:
            meter.write("payment." + name + "_millipence", value)


def prepaid(balance=0, time_s=START_S, price=PRICE, **fields):
    """Return a meter in prepayment mode at `price` millipence a Wh, with these fields, and nothing told yet."""
    meter = make_meter(time_s, tokens=AnyTokens())
    meter.write("payment.mode", PREPAYMENT_MODE)
    meter.write("prices.prices", [(b"\x01", price)])
    meter.write("prices.scale", -2)
    set_fields(meter, fields)
    meter.write("payment.meter_balance_millipence", balance)
    return meter


def collection(suspend_emergency=False, suspend_disabled=False):
    """Return the collection of charges that ECS03 brings for the two flags, as the reference messages have it."""
    always, debts = b"\x00\x03\xe0", b"\x00\x03\xc0" if suspend_disabled else b"\x00\x03\xe0"
    rows = [(credit, charge, debts if charge in (1, 2) else always) for credit in (0, 1) for charge in (0, 4, 1, 2, 3)]
    if suspend_emergency:
        rows += [(2, charge, always) for charge in (4, 1, 2)]
    return [(_name(10, credit), _name(20, charge), bits) for credit, charge, bits in rows]


def top_up(meter, number, pence):
    """Give the meter a top-up by command."""
    meter.call("credit.enter_token", b"%d:%d" % (number, pence))
    meter.commit()
    meter.release()


def use(meter, seconds, watts=0):
    """Let time pass under a load."""
    meter.advance(meter.time_s + seconds, Measurement(watts))


def account(meter):
    """Return balance, emergency credit balance, time debts 1 and 2, payment debt and accumulated debt."""
    return [meter.read("payment." + name + "_millipence") for name in _SHOWN]


def told(meter):
    """Return the waiting events as (code, seconds since the start)."""
    found = []
    event = meter.take_event()
    while event:
        found.append((event[0], event[1] - START_S))
        event = meter.take_event()
    return found


def codes(meter):
    """Return the waiting events' codes."""
    return events(meter)


def _name(group, instance):
    return bytes((0, 0, 19, group, instance, 255))
