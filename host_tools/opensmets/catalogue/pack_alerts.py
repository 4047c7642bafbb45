"""Pack the alert and event codes into the table that a device's firmware reads by seek.

Layout, big-endian: header `AL`, version u8, zero, number of records u16; records of 7 bytes sorted by code: code
u16, flags u8, recipients u16, message code u16 of the alert that tells more than code and time, 0 where there is none
(`alert_codes` of the use cases). Flags: 1 critical (signed), 2 sent to remote parties, 4 event log, 8 security log,
16 power event log, 32 of a meter of one phase only, 64 of three phases only (as the requests that configure alerts
have it), 128 announced to the HAN. Recipients: bit n for the trust anchor cell of remote party role n.

Where the reference tables are silent about a code it is like its neighbours: from 0x8F00 on critical, below not; the
voltage codes (0x80xx) go to the network operator and the power event log, the others to the supplier; what only
records that something was tried at the device or on the HAN (`LOG_ONLY`) is logged and not sent. Of the HAN their
example of a meter's settings says which of the supplier's codes are announced (`ANNOUNCED`). A code that is not sent
has recipients all the same when its party may let it be sent (below 0x8F00).
"""

from __future__ import annotations

import struct
import tomllib
from importlib import resources
from typing import Any

from opensmets.catalogue.pack_use_cases import ROLES
from opensmets.catalogue.request_content import shape
from opensmets.catalogue.use_cases import use_cases

VERSION = 2
CRITICAL, SENT, EVENT_LOG, SECURITY_LOG, POWER_EVENT_LOG = 1, 2, 4, 8, 16
ONE_PHASE, THREE_PHASES, HAN = 32, 64, 128
#: Parts of the requests that configure alerts (SRV 6.22), each with the codes of meters of so many phases.
PHASES = {"NetworkOperatorESMESinglePhase": ONE_PHASE, "NetworkOperatorESMEPolyPhase": THREE_PHASES}
LOGS = {"event": EVENT_LOG, "security": SECURITY_LOG, "power_event": POWER_EVENT_LOG}
FIRST_CRITICAL = 0x8F00
FIRST_SUPPLIER = 0x8100
METER_RECIPIENTS = ("supplier", "network_operator")
"""Of a code's recipients those a meter has: the broker and the WAN provider are told by a communications hub."""
LOG_ONLY = {
    0x8154: EVENT_LOG, 0x8155: EVENT_LOG, 0x8161: EVENT_LOG, 0x8162: EVENT_LOG, 0x81C6: EVENT_LOG,
    0x8F4D: SECURITY_LOG, 0x8F4E: SECURITY_LOG, 0x8F4F: SECURITY_LOG, 0x8F51: SECURITY_LOG, 0x8F52: SECURITY_LOG,
    0x8F5B: SECURITY_LOG, 0x8F63: SECURITY_LOG, 0x8F64: SECURITY_LOG,
}  # fmt: skip
ANNOUNCED = (0x810D, 0x8119, 0x8168, 0x81AA, 0x81AB, 0x81C4, 0x8F34)
SECURITY = (0x8F1C, 0x8F1E, 0x8F30, 0x8F3D, 0x8F53, 0x8F60)
"""Codes of refused messages and images, which the security log keeps as well."""


def _known(entry: dict[str, Any]) -> tuple[int, list[str]]:
    flags = (CRITICAL if entry["critical"] else 0) | (SENT if entry["wan"] else 0)
    for name in entry["logs"]:
        flags |= LOGS[name]
    return flags, [name for name in entry["recipients"] if name in METER_RECIPIENTS]


def _like_neighbours(code: int) -> tuple[int, list[str]]:
    if code in LOG_ONLY:
        return LOG_ONLY[code], []
    if code < FIRST_SUPPLIER:
        return SENT | POWER_EVENT_LOG, ["network_operator"]
    return (SENT | CRITICAL if code >= FIRST_CRITICAL else SENT | EVENT_LOG), ["supplier"]


def _of_phases() -> dict[int, int]:
    """Return the flag of each code that only meters of one phase, or of three, have."""
    return {int((code.name or "")[1:], 16): flag for name, flag in PHASES.items() for code in shape(name)}


def alert_flags() -> dict[int, int]:
    """Return every code's flags."""
    return {code: flags for code, (flags, _) in _settled().items()}


def _settled() -> dict[int, tuple[int, list[str]]]:
    """Return every code's flags and recipients."""
    text = resources.files("opensmets.catalogue").joinpath("data/alert_codes.toml").read_text(encoding="utf-8")
    table = {int(name, 16): entry for name, entry in tomllib.loads(text).items()}
    settled, of_phases = {}, _of_phases()
    for code, entry in sorted(table.items()):
        flags, recipients = _known(entry) if "wan" in entry else _like_neighbours(code)
        flags |= (SECURITY_LOG if code in SECURITY else 0) | of_phases.get(code, 0)
        flags |= HAN if code in ANNOUNCED else 0
        if not recipients and (flags & SENT or code < FIRST_CRITICAL):
            recipients = ["supplier" if code >= FIRST_SUPPLIER else "network_operator"]
        settled[code] = flags, recipients
    return settled


def pack_alerts() -> bytes:
    """Return the packed table of alert codes as a meter uses them."""
    forms = {code: entry.message_code for entry in use_cases().values() for code in entry.alert_codes}
    records = [
        struct.pack(">HBHH", code, flags, sum(1 << ROLES[name] for name in recipients), forms.get(code, 0))
        for code, (flags, recipients) in _settled().items()
    ]
    return struct.pack(">2sBxH", b"AL", VERSION, len(records)) + b"".join(records)
