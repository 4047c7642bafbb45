"""How the meter's display writes amounts, energy, dates and texts: in 16 ASCII characters a line. Loaded when shown."""

from micropython import const

from smets.meter.dates import DAY_S, date_of

WIDTH = const(16)
_PENNY = const(1000)
_ROWS = const(14)
_MONTHS = const("JanFebMarAprMayJunJulAugSepOctNovDec")
_MILLIPENCE_PLACES = const(5)


def money(meter, amount_millipence):
    """Return an amount in the account's currency, cut to the penny as text."""
    pence = abs(amount_millipence) // _PENNY
    sign = "-" if amount_millipence < 0 and pence else ""
    currency = "GBP" if meter.component("prices").get("in_sterling") else "EUR"
    return "%s%d.%02d %s" % (sign, pence // 100, pence % 100, currency)


def pence(amount_millipence):
    """Return an amount of millipence as pence as text."""
    hundredths = abs(amount_millipence) // 10
    sign = "-" if amount_millipence < 0 and hundredths else ""
    return "%s%d.%02d p" % (sign, hundredths // 100, hundredths % 100)


def kwh(energy_wh):
    """Return energy as text."""
    return "%d.%03d kWh" % (energy_wh // 1000, energy_wh % 1000)


def date(time_s):
    """Return the day of a time as text."""
    _, month, day = date_of(time_s // DAY_S)
    return "%02d %s" % (day, _MONTHS[3 * month - 3 : 3 * month])


def plain(octets):
    """Return what a display of ASCII can show of a text."""
    return "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in octets])


def wrapped(text):
    """Return a text as lines, broken between words where that can be done."""
    found = []
    while len(text) > WIDTH:
        end = text.rfind(" ", 0, WIDTH + 1)
        end = end if end > 0 else WIDTH
        found.append(text[:end])
        text = text[end:].lstrip()
    return found + [text] if text else found


def rate(number, scale):
    """Return a price of `number` x 10^`scale` pounds as text."""
    places = scale + _MILLIPENCE_PLACES
    amount_millipence = abs(number) * 10**places if places >= 0 else abs(number) // 10**-places
    return pence(-amount_millipence if number < 0 else amount_millipence)


def newest(meter, name, period_s):
    """Return a log's newest rows whose period began when the present tenancy had, the newest first."""
    since_s = meter.component("customer").get("restrict_data_s") + period_s
    log = meter.log(name)
    count = len(log)
    found = [log.row(index) for index in range(count - 1, max(count - _ROWS, 0) - 1, -1)]
    meter.logs.release()
    return [row for row in found if row[0] >= since_s]
