"""What the account's collection of charges says of time-based debts and the standing charge. Loaded when one is due.

Apart from charges.py so that the account's code is gone again before prices and rates want its room in the heap.
"""

from micropython import const

from smets.meter import account, nested  # loaded with this module, they are forgotten with it

_NEEDED = (account, nested)
_CREDIT_PLACE = const(4)
"""The octet of an OBIS name that numbers credits and charges."""
_METER_BALANCE = const(0)
_ACCUMULATED_DEBT = const(2)
_WHEN_DISABLED = const(0x20)
"""The last of a collection's three bits."""
_COLLECTED = const(1)
_COLLECTED_WHEN_DISABLED = const(2)
_GATHERED = const(4)


def read(meter):
    """Return octets, one a charge by its number: 1 it is collected, 2 so also while the supply is disabled, 4 it goes
    to the accumulated debt while emergency credit is active.

    A charge is collected as the first row says that names it and the meter balance. A collection that was never set
    suspends nothing.
    """
    found = bytearray(5)
    rows = meter.borrow("account").elements("collection")
    if not len(rows):
        return bytes([0, _COLLECTED | _COLLECTED_WHEN_DISABLED, _COLLECTED | _COLLECTED_WHEN_DISABLED, 0, 0])
    for credit, of, bits in rows:
        charge = of[_CREDIT_PLACE]
        if charge >= len(found):
            continue
        if credit[_CREDIT_PLACE] == _METER_BALANCE and not found[charge] & _COLLECTED:
            found[charge] |= _COLLECTED | (_COLLECTED_WHEN_DISABLED if bits[2] & _WHEN_DISABLED else 0)
        elif credit[_CREDIT_PLACE] == _ACCUMULATED_DEBT:
            found[charge] |= _GATHERED
    return bytes(found)
