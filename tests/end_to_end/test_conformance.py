"""Reference scenarios of every kind of message pass every level that applies, on real MicroPython; all are encoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensmets.catalogue.use_cases import use_cases
from opensmets.conformance import encode, protect, run
from opensmets.conformance.run import Plan
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.security.keystore import KeyStore
from tests.reference import REFERENCE, needs_reference

#: Use cases of every kind of protection and payload; `smets conformance` plays them all. What the meter answers to each
#: DLMS command is in tests/host/test_reference_answers.py, each request document in test_reference_documents.py.
PLAYED = (
    "ECS17b", "ECS45", "ECS52", "ECS70Commission", "ECS34", "ECS28a", "ECS10", "ECS35a", "CS01a", "CS02aMAC", "CS02c",
    "CS02d", "CS02e", "CS03A1", "CS04ACCritical", "ECS21b", "GCA-DLMS", "GNCA-DLMS", "ECS80",
)  # fmt: skip


def _plan() -> Plan:
    shared = REFERENCE or Path()
    return Plan(shared / "rtds" / "messages", shared / "duis" / "requests", shared / "rtds" / "keystore")


def _names() -> list[str]:
    return [each.name for each in find_scenarios(_plan().messages) if each.use_case in PLAYED] if REFERENCE else []


@needs_reference
@pytest.mark.parametrize("name", _names())
def test_every_level_passes(name: str) -> None:
    plan = _plan()
    scenario = next(each for each in run.scenarios(plan) if each.name == name)
    judgement = run.judge(plan, scenario)
    assert {level: v.why for level, v in judgement.levels.items() if v.outcome not in ("pass", "n/a")} == {}


def is_meter(scenario: Scenario) -> bool:
    return scenario.use_case in use_cases() and run.device_of(scenario) == "ESME"


GOOD = ("pass", "n/a")


@needs_reference
def test_every_command_of_the_meter_is_encoded_and_protected_as_it_is_in_the_set() -> None:
    plan = _plan()
    keystore = KeyStore.open(plan.keystore or Path())
    meters = [scenario for scenario in run.scenarios(plan) if is_meter(scenario)]
    assert len(meters) > 250
    assert [one.name for one in meters if encode.judge(one, "ESME", keystore).outcome not in GOOD] == []
    assert [scenario.name for scenario in meters if protect.judge(scenario, keystore).outcome not in GOOD] == []


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
