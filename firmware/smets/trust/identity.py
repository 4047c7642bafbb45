"""What a device knows of itself since it was provisioned, and `who`, the one provisioning request it still answers."""

import json
from binascii import hexlify

IDENTITY = "device/identity"
STAMP = "device/provisioned"
"""Keys in the journal."""


class Identity:
    """`eui` (8 bytes), `elements` (1 or 2), `phases` (1 or 3)."""

    __slots__ = ("eui", "elements", "phases")

    def __init__(self, record):
        self.eui, self.elements, self.phases = record[:8], record[8], record[9]


def read_identity(journal):
    """Return the Identity of a provisioned device, None before."""
    return Identity(journal.get(IDENTITY)) if journal.get(STAMP) else None


def who(journal, role):
    """Return the answer to `who` as a dict: `eui` (hex or None), `role`, `provisioned`."""
    record = journal.get(IDENTITY)
    eui = hexlify(record[:8]).decode() if record else None
    return {"eui": eui, "role": role, "provisioned": journal.get(STAMP) is not None}


def answer_provisioned(request, journal, role):
    """Return the JSON answer (bytes) of a provisioned device to a provisioning request, and whether it was `who`.

    All others are refused.
    """
    try:
        asked = json.loads(bytes(request))
    except (ValueError, RuntimeError, MemoryError):  # nested without end
        asked = None
    is_allowed = isinstance(asked, dict) and asked.get("do") == "who"
    if is_allowed:
        answer = who(journal, role)
        answer["ok"] = True
    else:
        answer = {"ok": False, "why": "the device is provisioned already"}
    return json.dumps(answer).encode(), is_allowed
