"""Every scenario through every level, on as many processes as the machine has cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from opensmets.catalogue.use_cases import use_case
from opensmets.conformance import encode, play, protect, read
from opensmets.conformance.scenarios import Scenario, find_scenarios
from opensmets.conformance.verdicts import LEVELS, Judgement, Verdict, not_applicable, unsupported
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.security.keystore import KeyStore

#: The kind of device by the last octet of its EUI in the reference messages (00-DB-12-34-56-78-90-xx).
REFERENCE_PREFIX = bytes.fromhex("00db1234567890")
REFERENCE_DEVICES = {
    0xA0: "ESME", 0xA1: "GSME", 0xA2: "CHF", 0xA3: "GPF", 0xA4: "PPMID", 0xA5: "HCALCS", 0xA6: "SAPC",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What to judge and how. Without `keystore` only the request documents can be judged."""

    messages: Path
    requests: Path | None = None
    keystore: Path | None = None
    runtime: str = "micropython"
    filter: str = ""
    all_bits: bool = False


def device_of(scenario: Scenario) -> str:
    """Return the kind of device that a scenario is about."""
    octets = scenario.command or scenario.precommand or scenario.response or next(iter(scenario.alerts.values()))
    message = envelope.decode(octets)
    eui = message.recipient if message.kind == "command" else message.originator
    if eui.startswith(REFERENCE_PREFIX) and eui[-1] in REFERENCE_DEVICES:
        return REFERENCE_DEVICES[eui[-1]]
    return use_case(scenario.use_case).devices[0]


def judge(plan: Plan, scenario: Scenario) -> Judgement:
    """Judge one scenario at every level."""
    try:
        judgement = Judgement(scenario.name, scenario.use_case, device_of(scenario))
        entry = use_case(scenario.use_case)
    except SmetsError as error:
        verdicts = dict.fromkeys(LEVELS, unsupported(str(error)))
        return Judgement(scenario.name, scenario.use_case, "?", verdicts)
    keystore = KeyStore.open(plan.keystore) if plan.keystore else None
    levels = judgement.levels
    levels["encode"] = encode.judge(scenario, judgement.device, keystore)
    levels["protect"] = protect.judge(scenario, keystore)
    levels["accept"], levels["respond"] = _played(plan, scenario, judgement.device)
    levels["read"] = read.judge(scenario, entry, keystore, read.find_schema(plan.requests))
    return judgement


def _played(plan: Plan, scenario: Scenario, device: str) -> tuple[Verdict, Verdict]:
    if plan.keystore is None:
        nothing = not_applicable("no key store was given (--keystore)")
        return nothing, nothing
    try:
        return play.judge(scenario, device, play.Options(plan.keystore, plan.runtime, plan.all_bits))
    except SmetsError as error:
        failed = Verdict("fail", str(error))
        return failed, failed


def scenarios(plan: Plan) -> list[Scenario]:
    """Return the scenarios of a plan. Raises SmetsError when there is none."""
    found = [each for each in find_scenarios(plan.messages, plan.requests) if plan.filter in each.name]
    if not found:
        raise SmetsError(f"no scenario under {plan.messages} has {plan.filter!r} in its name")
    return found


def run(plan: Plan, chosen: list[Scenario], workers: int | None = None) -> Iterator[Judgement]:
    """Judge scenarios and yield each one's judgement, in their order."""
    workers = workers or os.cpu_count() or 1
    if workers == 1 or len(chosen) == 1:
        yield from map(partial(judge, plan), chosen)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(judge, plan), chosen)
