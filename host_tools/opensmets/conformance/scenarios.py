"""The reference scenarios found under a folder: which messages belong together and which request document made them.

Layout: `<service request>_<use case>/<scenario>_<KIND>_GBCS.HEX`, KIND being PRECOMMAND, COMMAND, RESPONSE or ALERT; an
alert's name also bears its code before the scenario's variant and may say which one it is behind its kind.
Request documents: `<scenario>_REQUEST_DUIS.XML`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from opensmets.errors import SmetsError

KINDS = ("PRECOMMAND", "COMMAND", "RESPONSE", "ALERT")
MAX_MESSAGE_FILE = 1 << 20
_FILE = re.compile(r"(?P<scenario>.+)_(?P<kind>PRECOMMAND|COMMAND|RESPONSE|ALERT)(?P<which>_\w+?)?_GBCS\.HEX", re.I)
_ALERT_CODE = re.compile(r"_([0-9A-F]{4})(?=_|$)")


@dataclass
class Scenario:
    """The messages of one scenario. `alerts` are in the order of their names."""

    name: str
    use_case: str
    service_request: str
    precommand: bytes | None = None
    command: bytes | None = None
    response: bytes | None = None
    alerts: dict[str, bytes] = field(default_factory=dict)
    request: Path | None = None

    @property
    def messages(self) -> dict[str, bytes]:
        """Every message of the scenario that bears protection, by a name for a report."""
        single = {"command": self.command, "response": self.response}
        return {name: message for name, message in single.items() if message} | self.alerts


def read_message(path: Path) -> bytes:
    """Return the bytes of a HEX file. Raises SmetsError when it is too large or not hexadecimal."""
    if path.stat().st_size > MAX_MESSAGE_FILE:
        raise SmetsError(f"{path.name} is larger than {MAX_MESSAGE_FILE} bytes: not a message")
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        raise SmetsError(f"{path.name} is not hexadecimal") from None


def _scenario_of(match: re.Match[str], with_command: set[str]) -> str:
    """Name the scenario of a file: an alert joins the command whose name is its own without the alert code."""
    name = match["scenario"]
    if match["kind"].upper() == "ALERT":
        joined = _ALERT_CODE.sub("", name, count=1)
        return joined if joined in with_command else name
    return name


def find_scenarios(messages: Path, requests: Path | None = None) -> list[Scenario]:
    """Return every scenario under `messages`, sorted by name, with its request document when `requests` has it.

    Raises SmetsError when the folder holds none.
    """
    found: dict[tuple[str, str], Scenario] = {}
    for folder in sorted(path for path in messages.iterdir() if path.is_dir() and "_" in path.name):
        service_request, use_case = folder.name.split("_", 1)
        files = [(path, match) for path in sorted(folder.iterdir()) if (match := _FILE.fullmatch(path.name))]
        with_command = {match["scenario"] for _, match in files if match["kind"].upper() != "ALERT"}
        for path, match in files:
            name = _scenario_of(match, with_command)
            scenario = found.setdefault((folder.name, name), Scenario(name, use_case, service_request))
            _add(scenario, match, read_message(path))
    if not found:
        raise SmetsError(f"no scenarios under {messages}: it should hold <service request>_<use case>/*_GBCS.HEX")
    for scenario in found.values():
        scenario.request = _request(requests, scenario.name)
    return sorted(found.values(), key=lambda scenario: scenario.name)


def _add(scenario: Scenario, match: re.Match[str], message: bytes) -> None:
    kind = match["kind"].lower()
    if kind == "alert":
        scenario.alerts[f"alert {match['scenario']}{match['which'] or ''}"] = message
    else:
        setattr(scenario, kind, message)


def _request(requests: Path | None, name: str) -> Path | None:
    path = requests / f"{name}_REQUEST_DUIS.XML" if requests else None
    return path if path and path.exists() else None
