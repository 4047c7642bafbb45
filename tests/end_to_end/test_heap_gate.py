"""A meter in a Pico's heap gets one of every request and a firmware image, and again when all its logs are full.

One meter lives through it all, of compiled firmware, and tells its heap meanwhile. `make heap` shows the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from opensmets.bench import sizes
from opensmets.bench.firmware import micropython_path
from opensmets.bench.images import send_image, unix_image
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.answers import response_document
from opensmets.cli.conversation import Conversation
from opensmets.errors import SmetsError
from opensmets.links import open_link
from opensmets.security.keystore import KeyStore
from opensmets.security.manufacturer import sign_image
from tests.end_to_end.full_logs import fill
from tests.end_to_end.walk import START_S, Visit, Walker, does, visits

pytestmark = pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON")
ANSWER_TIMEOUT_S = 20.0
SETTLING_S = 0.3
KINDS = ((1, 1), (2, 3))
TEMPORARY_FAILURE = "2"
#: Reads that are asked again and again: they change nothing of the meter, whose state grows in the heap otherwise.
READS = ("ECS17b", "ECS20c", "ECS21b", "ECS24", "ECS35a")
TIMES = 4
#: Bytes that may be lost by them all, asked three times more.
LOST = 512
#: Of the heap that a meter has at rest when it was asked everything, with full logs: room for all that a command wants.
FREE_AT_REST = 45_000


@dataclass
class Round:
    """One of every request: the least bytes that were free in each, garbage not counted as free, and at rest after.

    `free_after_reads` is what was free at rest after some reads, each time that all of them were asked again.
    """

    free: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    free_at_rest: list[int] = field(default_factory=list)
    free_after_reads: list[int] = field(default_factory=list)


class Gate:
    """A meter that gets requests, and what that takes of its heap."""

    def __init__(self, folder: Path, kind: tuple[int, int]) -> None:
        self.folder, self.kind = folder, kind
        keystore: KeyStore = sizes.make_meter(folder, elements=kind[0], phases=kind[1])
        self.walker, self.keystore = Walker(keystore, *kind), keystore
        self.visits = [one for one in visits() if does(one, kind) and not one.stranger]

    def go(self, time_s: int, version: int) -> Round:
        """Start the meter and send one of every request, and at last a firmware image of that version."""
        found = Round()
        program = VirtualDevice(self.folder / "store", program="heap")
        with program as device, open_link(device.port) as link:
            lines, peaks = list[str](), dict[str, int]()
            conversation = Conversation(link, self.keystore, on_log=lines.append)
            conversation.give_hub_time(time_s)
            for visit in self.visits:
                before = len(sizes.told(device))
                lines.clear()
                failure = self._failure(conversation, visit) or "; ".join(lines)
                if failure:
                    found.failed[visit.entry.name] = failure
                told = sizes.told(device)
                peaks[visit.entry.name] = max(one.get("peak", 0) for one in told[before:] or [{}])
            size = sizes.heap_of(device).size
            for _ in range(TIMES):
                for visit in self.visits:
                    if visit.entry.name in READS:
                        self._failure(conversation, visit)
                found.free_after_reads.append(size - at_rest(device))
            found.free = {name: size - peak for name, peak in peaks.items()}
            found.free_at_rest = [size - one["rest"] for one in sizes.told(device) if "rest" in one]
            try:
                self._send_image(conversation, version)
            except SmetsError as error:
                found.failed["a firmware image"] = str(error)
        return found

    def _send_image(self, conversation: Conversation, version: int) -> None:
        """Let the worn heap take an image of the firmware. Raises SmetsError when it does not."""
        image = unix_image("micropython", version.to_bytes(4, "big"))
        send_image(conversation.link, sign_image(self.keystore, image).encode())

    def _failure(self, conversation: Conversation, visit: Visit) -> str:
        """Ask, and return how the heap failed; empty when it did not."""
        try:
            verified = conversation.carry_out(self.walker.command(visit), ANSWER_TIMEOUT_S)
        except SmetsError as error:
            return str(error)
        answer = etree.fromstring(response_document(verified, visit.entry))
        codes = [one.get("ResponseCode") for one in answer.iterfind(".//{*}COSEMResponse")]
        return f"temporary failure: {codes}" if TEMPORARY_FAILURE in codes else ""


def at_rest(device: VirtualDevice) -> int:
    """Wait until a device tells of its heap at rest, and return the bytes in use."""
    time.sleep(SETTLING_S)
    return next(int(one["rest"]) for one in reversed(sizes.told(device)) if "rest" in one)


@dataclass
class Rounds:
    """What a meter did with empty logs and with full ones."""

    kind: tuple[int, int]
    empty: Round
    full: Round
    rows: int


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"{kind[0]} elements {kind[1]} phases")
def rounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    gate = Gate(tmp_path_factory.mktemp("gate"), request.param)
    empty = gate.go(START_S, 1)
    rows = fill(gate.folder / "store", *gate.kind, START_S)
    yield Rounds(gate.kind, empty, gate.go(START_S, 2), sum(rows.values()))


def test_no_request_is_too_much(rounds: Rounds) -> None:
    print(f"\n{rounds.kind[0]} elements, {rounds.kind[1]} phases: least bytes free, with empty and with full logs")
    for name in sorted(rounds.full.free, key=lambda one: rounds.full.free[one]):
        print(f"  {rounds.empty.free[name]:8} {rounds.full.free[name]:8}  {name}")
    print(f"  at rest {rounds.empty.free_at_rest[-1]} and {rounds.full.free_at_rest[-1]}; {rounds.rows} rows")
    assert rounds.empty.failed == {} and rounds.full.failed == {}
    assert min(rounds.empty.free_at_rest[-1], rounds.full.free_at_rest[-1]) >= FREE_AT_REST


def test_what_a_request_took_it_gives_back(rounds: Rounds) -> None:
    for free in (rounds.empty.free_after_reads, rounds.full.free_after_reads):
        assert free[0] - free[-1] <= LOST, free
