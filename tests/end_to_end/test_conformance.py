"""The reference scenarios of the use cases that are built pass every level that applies, on real MicroPython."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensmets.conformance import run
from opensmets.conformance.run import Plan
from opensmets.conformance.scenarios import find_scenarios
from tests.reference import REFERENCE, needs_reference

#: The use cases of the first light: one of every kind of protection and payload.
BUILT = (
    "ECS17b", "ECS23", "ECS45", "ECS42", "ECS43", "ECS44", "ECS52", "ECS70", "ECS70Commission", "ECS34", "ECS28a",
    "ECS10", "ECS35a", "ECS35b", "CS01a", "CS02aMAC", "ECS21b", "GCA-DLMS", "GNCA-DLMS", "ECS80",
)  # fmt: skip


def _plan() -> Plan:
    shared = REFERENCE or Path()
    return Plan(shared / "rtds" / "messages", shared / "duis" / "requests", shared / "rtds" / "keystore")


def _names() -> list[str]:
    return [each.name for each in find_scenarios(_plan().messages) if each.use_case in BUILT] if REFERENCE else []


@needs_reference
@pytest.mark.parametrize("name", _names())
def test_every_level_passes(name: str) -> None:
    plan = _plan()
    scenario = next(each for each in run.scenarios(plan) if each.name == name)
    judgement = run.judge(plan, scenario)
    assert {level: v.why for level, v in judgement.levels.items() if v.outcome not in ("pass", "n/a")} == {}


@needs_reference
def test_a_changed_reference_fails(tmp_path: Path) -> None:
    """The judge can say no: a scenario whose response tells another value than its name does not pass unnoticed."""
    plan = _plan()
    source = plan.messages / "7.4_ECS45"
    target = tmp_path / source.name
    target.mkdir()
    for file in source.glob("ECS45_7.4_SUCCESS_*"):
        octets = bytearray.fromhex(file.read_text())
        if "RESPONSE" in file.name:
            octets[-20] ^= 1
        (target / file.name).write_text(octets.hex())
    broken = Plan(tmp_path, plan.requests, plan.keystore)
    (judgement,) = [run.judge(broken, scenario) for scenario in run.scenarios(broken)]
    assert [judgement.levels[level].outcome for level in ("protect", "respond", "read")] == ["fail", "fail", "fail"]
