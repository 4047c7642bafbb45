"""The meter, brought by the bench into the state that a reference response shows, gives that response to the command.

Judged on CPython and on MicroPython without messages around: every DLMS response of the meter, payload octet for octet,
with sealed parts compared in clear. Credentials, joining and firmware (ASN.1) are conformance's, on the whole firmware.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from opensmets.bench.seeding import Unseedable, seeding
from opensmets.catalogue.use_cases import Reference, use_cases
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.layouts import envelope, xdlms
from opensmets.security.keystore import KeyStore
from opensmets.security.sensitive import decrypt_parts
from tests.firmware import replay_access
from tests.firmware.conftest import micropython
from tests.firmware.meter_world import DEVICE, TAG
from tests.reference import REFERENCE, ROOT, needs_reference

DATA_PROTECTION = 30


@cache
def scenarios() -> tuple[Scenario, ...]:
    """The scenarios of electricity meters with a command and a response."""
    found = find_scenarios(REFERENCE / "rtds" / "messages") if REFERENCE else []
    return tuple(scenario for scenario in found if scenario.command and scenario.response)


@cache
def keystore() -> KeyStore:
    return KeyStore.open(REFERENCE / "rtds" / "keystore")


def case_of(scenario: Scenario) -> tuple[dict[str, Any], bytes]:
    """Return what `replay_access` wants and the response that it should give. Raises Unseedable."""
    command, response = envelope.decode(scenario.command), envelope.decode(scenario.response)
    plaintexts = decrypt_parts(response, keystore()) if b"\x31\0\0\0\0" in response.payload else ()
    expected = xdlms.decode(response.payload)
    seeds = seeding(xdlms.decode(command.payload), expected, plaintexts)
    supplementary = command.supplementary_party
    case = {
        "operations": seeds.operations, "elements": seeds.elements, "phases": seeds.phases,
        "request": command.payload.hex(), "counter": command.counter, "originator": command.originator.hex(),
        "supplementary": supplementary.hex() if supplementary else None,
    }  # fmt: skip
    return case, in_clear(response.payload, plaintexts)


def in_clear(payload: bytes, plaintexts: tuple[bytes, ...]) -> bytes:
    """Return a response's payload with its sealed part replaced by the clear text and the stand-in tag."""
    for plain in plaintexts:
        start = payload.index(b"\x31\0\0\0\0") + 5
        payload = payload[:start] + plain + TAG + payload[start + len(plain) + len(TAG) :]
    return payload


def is_answered(scenario: Scenario) -> bool:
    """Whether the electricity meter's objects answer it."""
    command = envelope.decode(scenario.command)
    return command.recipient == DEVICE and command.payload[0] == xdlms.ACCESS_REQUEST


def answerable() -> Iterator[tuple[str, dict[str, Any], bytes]]:
    for scenario in scenarios():
        if is_answered(scenario):
            yield scenario.name, *case_of(scenario)


@cache
def cases() -> dict[str, tuple[dict[str, Any], bytes]]:
    return {name: (case, expected) for name, case, expected in answerable()}


@needs_reference
def test_every_scenario_can_be_seeded() -> None:
    """None is left out: each DLMS use case that the set commands of an electricity meter has its answers judged."""
    reached = {name.split("_")[0] for name in cases()}
    meters = {name for name, entry in use_cases().items() if "ESME" in entry.devices and entry.payload == "dlms"}
    assert reached == {one.use_case for one in scenarios() if is_answered(one)} <= meters and len(cases()) > 200


@needs_reference
def test_answers_are_the_reference_responses() -> None:
    wrong = [name for name, (case, expected) in cases().items() if replay_access.answer(case) != expected]
    assert wrong == []


@needs_reference
@pytest.mark.skipif(micropython() is None, reason="no MicroPython for this machine: install it or set $MICROPYTHON")
def test_answers_on_micropython_are_the_reference_responses(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case, _ in cases().values()))
    script = str(ROOT / "tests" / "firmware" / "replay_access.py")
    done = subprocess.run(
        [micropython(), "-X", "heapsize=2m", script, str(path)], capture_output=True, text=True, timeout=120
    )
    answers = done.stdout.split()
    assert len(answers) == len(cases()), done.stderr[-2000:] + done.stdout[-2000:]
    wrong = [name for (name, (_, want)), got in zip(cases().items(), answers, strict=True) if got != want.hex()]
    assert wrong == []


#: What is not any number, or is told through another field: states, and the offset that is drawn within its limit.
NOT_ANY_NUMBER = (".state", ".status", ".mode", ".offset_s")


def is_read_only(case: dict[str, Any]) -> bool:
    """Whether a command only reads, some of it sealed."""
    items = xdlms.decode_request(bytes.fromhex(case["request"])).items
    return all(item.verb in ("get", "range") or item.class_id == DATA_PROTECTION for item in items)


def with_another(case: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a case in which a field is set to the next number wherever it is set."""

    def other(operation: dict[str, Any]) -> dict[str, Any]:
        value = operation.get("value")
        changed = not value if isinstance(value, bool) else value ^ 1 if isinstance(value, int) else value
        return {**operation, "value": changed} if operation.get("path") == path else operation

    return {**case, "operations": [other(operation) for operation in case["operations"]]}


@needs_reference
def test_one_value_changed_changes_exactly_its_field() -> None:
    tried = 0
    for name, (case, expected) in cases().items():
        numbers = [one["path"] for one in case["operations"] if one["do"] == "set" and isinstance(one["value"], int)]
        for path in set(numbers) if is_read_only(case) else ():
            if path.endswith(NOT_ANY_NUMBER):
                continue
            answer = replay_access.answer(with_another(case, path))
            different = [place for place, pair in enumerate(zip(answer, expected, strict=True)) if pair[0] != pair[1]]
            assert len(different) == numbers.count(path), (name, path)  # once wherever an item tells it
            tried += 1
    assert tried > 100


@needs_reference
def test_a_response_that_no_meter_gives_is_refused() -> None:
    by_name = {scenario.name: scenario for scenario in scenarios()}
    scenario = by_name["ECS17b_4.1.1_SINGLE_SUCCESS"]
    request = xdlms.decode(envelope.decode(scenario.command).payload)
    response = xdlms.decode(envelope.decode(scenario.response).payload)
    with pytest.raises(Unseedable, match="keys are wanted"):
        seeding(request, response)
    with pytest.raises(Unseedable, match="stands where the catalogue has"):
        seeding(request, response, [bytes.fromhex("020112000a")])
    unknown = xdlms.AccessItem("get", 1, Reference(1, bytes(6), 2).obis, 2)
    with pytest.raises(Unseedable, match="no get of 1/000000000000/2"):
        seeding(xdlms.AccessRequest(1, (unknown,), request.data), response)
