"""The definitions of the meter's logs: name, how many rows are kept (SMETS2 5.7.5), columns, kind of meter.

Not resident: logs.py loads it to open a log and forgets it; it is one text because that takes the least heap. A
column is a struct code, big-endian, or a number: octets of at most that many. `48*I` is a list of 48, `twin:I` is
kept by a twin element meter alone; `?three_phase` behind all: the log is a polyphase meter's. The first column is the
time of the row. What is on flash has no other description: columns of a log stay as they are.
"""

LOGS = """
event 100 I H 16
security 100 I H
power_event 100 I H I
auxiliary 100 I H B I
boost 25 I I
prepayment_daily 31 I i i i i i i
daily_read 31 I I twin:I 48*I twin:4*I 8*I 8*I 8*I 8*I
export_daily 31 I I
daily_consumption 731 I I
billing 12 I I twin:I 48*I twin:4*I 8*I 8*I 8*I 8*I
billing_prepayment 12 I i i i i i i
billing_change 12 I I twin:I 48*I twin:4*I 8*I 8*I 8*I 8*I i i i i i i
debt_payments 10 I I
credits 5 I I
import_profile 19056 I I twin:I
export_profile 4464 I I I
reactive_profile 4464 I I
voltage_1 4320 I I
voltage_2 4320 I I ?three_phase
voltage_3 4320 I I ?three_phase
"""


def find_log(name, has):
    """Return (columns, capacity) of a log, None when a meter of which `has(condition)` is true has none so named.

    Columns are pairs of a code of fields.py and a count: 0 for one value, -1 for none on this kind of meter.
    """
    start = LOGS.find("\n" + name + " ") + 1
    words = LOGS[start : LOGS.find("\n", start)].split(" ") if start else ()
    if not words or (words[-1][0] == "?" and not has(words.pop()[1:])):
        return None
    return tuple([_column(word, has) for word in words[2:]]), int(words[1])


def _column(word, has):
    condition, _, rest = word.rpartition(":")
    count, _, code = rest.rpartition("*")
    there = not condition or has(condition)
    return int(code) if code.isdigit() else ">" + code, int(count or 0) if there else -1
