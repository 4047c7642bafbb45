"""What a level says of a scenario, and how it all adds up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("encode", "protect", "accept", "respond", "read")
OUTCOMES = ("pass", "fail", "unsupported", "n/a")


class Mismatch(Exception):
    """What the judged code gave is not what the reference says; the text tells the difference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One level's outcome for one scenario, with its reason (or a remark on how it was judged)."""

    outcome: str
    why: str = ""


PASS = Verdict("pass")


def not_applicable(why: str) -> Verdict:
    """The level has nothing to judge."""
    return Verdict("n/a", why)


def unsupported(why: str) -> Verdict:
    """The use case is not built yet."""
    return Verdict("unsupported", why)


@dataclass
class Judgement:
    """Every level's verdict for one scenario."""

    name: str
    use_case: str
    device: str
    levels: dict[str, Verdict] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report's entry: a key per level, and `why` for each level that says something."""
        outcomes = {level: self.levels[level].outcome for level in LEVELS}
        why = {level: verdict.why for level, verdict in self.levels.items() if verdict.why}
        return {"name": self.name, "use_case": self.use_case, "device": self.device, **outcomes, "why": why}


def totals(judgements: Iterable[Judgement]) -> dict[str, dict[str, int]]:
    """Count the outcomes of each level."""
    counts = {level: dict.fromkeys(OUTCOMES, 0) for level in LEVELS}
    for judgement in judgements:
        for level, verdict in judgement.levels.items():
            counts[level][verdict.outcome] += 1
    return counts


def report(judgements: list[Judgement]) -> dict[str, Any]:
    """Return the whole report as JSON-able data."""
    return {"scenarios": [judgement.as_json() for judgement in judgements], "totals": totals(judgements)}


def describe_difference(expected: bytes, actual: bytes) -> str:
    """Say where two byte strings part, in a line that is short enough to read."""
    at = next(
        (i for i, (a, b) in enumerate(zip(expected, actual, strict=False)) if a != b), min(len(expected), len(actual))
    )
    start = max(0, at - 4)
    return (
        f"differs at byte {at}: expected {expected[start : at + 12].hex()} of {len(expected)},"
        f" got {actual[start : at + 12].hex()} of {len(actual)}"
    )
