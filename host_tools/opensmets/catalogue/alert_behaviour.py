"""What raises each alert or event code of a meter, and the test that proves it (`data/alert_behaviour.toml`).

`python -m opensmets.catalogue.alert_behaviour`, part of `make tables`, writes docs/alerts.md from it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.pack_alerts import CRITICAL, EVENT_LOG, HAN, POWER_EVENT_LOG, SECURITY_LOG, SENT, alert_flags

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "alerts.md"
_FLAGS = (
    (SENT, "sent"), (CRITICAL, "signed"), (HAN, "HAN"), (EVENT_LOG, "event log"), (SECURITY_LOG, "security log"),
    (POWER_EVENT_LOG, "power event log"),
)  # fmt: skip
_HEAD = """# Alerts and events

Which behaviour of the meter raises each code, and the test that proves it; or why this meter never raises it.
"Told" is how a meter comes from the factory: what is sent to remote parties, signed or else MACed, what is announced to
the HAN, and the logs that an event goes to. Codes 0x80xx and 0x81xx can be set otherwise by their parties, who may let
0x81xx sound at the meter too (service request 6.22). Files are of `firmware/smets/`.

Made by `make tables` from `host_tools/opensmets/catalogue/data/alert_behaviour.toml`.
"""


@cache
def alert_behaviour() -> dict[int, dict[str, str]]:
    """Return for each code `by` (a file of the firmware, a function in it) and `test`, or `why` it is not raised."""
    text = resources.files("opensmets.catalogue").joinpath("data/alert_behaviour.toml").read_text(encoding="utf-8")
    return {int(code, 16): entry for code, entry in tomllib.loads(text).items()}


def document() -> str:
    """Return docs/alerts.md as it should be."""
    raised, silent = [], []
    for code, entry in sorted(alert_behaviour().items()):
        name = event_name(code).strip().replace("|", "\\|")
        if "why" in entry:
            silent.append(f"| 0x{code:04X} | {name} | {entry['why']} |")
        else:
            raised.append(f"| 0x{code:04X} | {name} | {_told(code)} | `{entry['by']}` | `{entry['test']}` |")
    tables = (
        ["## Raised", "", "| code | event | told | by | test |", "|---|---|---|---|---|", *raised, ""],
        ["## Not raised", "", "| code | event | why |", "|---|---|---|", *silent],
    )
    return _HEAD + "\n" + "\n".join(line for table in tables for line in table) + "\n"


def _told(code: int) -> str:
    """Return in words what becomes of an event."""
    flags = alert_flags()[code]
    words = [word for flag, word in _FLAGS if flags & flag]
    return ", ".join(words) or "nothing"


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(), encoding="utf-8")
