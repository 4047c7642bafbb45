"""What each class of request costs a meter: time, the least heap it passes in, and how that goes as the logs fill.

On the unix port, from .mpy files, over the pty: from command in to response out, without the host's own work. The least
heap is found by trying: a device that gets the command first thing after it booted, in ever smaller heaps.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from opensmets.bench.control import MESSAGES, Bench
from opensmets.bench.provisioning import default_anchors, provision
from opensmets.bench.virtual import HEAP, VirtualDevice
from opensmets.cli.conversation import EPOCH
from opensmets.cli.keys import require_device_key
from opensmets.cli.prepare import TOP_UP, Choices, prepare
from opensmets.duis.compose import Address, compose
from opensmets.errors import SmetsError
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.envelope import RESPONSE, Message
from opensmets.links import Link, open_link
from opensmets.security import pki, utrn
from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore

ROUNDS = 10
EUI = bytes.fromhex("00db1234567890a0")
NOW_S = 820_454_400
NOW = EPOCH + timedelta(seconds=NOW_S)
DAY_S = 86_400
PERIOD = {"StartDateTime": NOW, "EndDateTime": NOW + timedelta(days=1)}
FILLED_DAYS = (1, 90, 400)
#: The heaps that are tried, in KiB.
HEAPS = range(190, 322, 6)
DEAD_S = 3.0
ROOMY = "2m"
"""The heap in which the meter lives its days, which is not what is measured."""


@dataclass(frozen=True, slots=True)
class Class:
    """A class of requests, by the one that stands for it."""

    name: str
    variant: str
    content: dict[str, Any]


CLASSES = (
    Class("read registers (encrypted)", "4.1.1", {}),
    Class("read supply status", "7.4", {}),
    Class("read event log", "6.13", {"ReadLogPeriod": PERIOD, "LogToRead": "Event"}),
    Class("read a day's profile", "4.8.1", {"ReadLogPeriod": PERIOD}),
    Class("top-up", TOP_UP, {}),
    Class("disable supply (signed)", "7.2", {}),
    Class("set load limit (signed)", "6.4.1", {
        "LoadLimitPeriod": 300, "LoadLimitPowerThreshold": 6900, "LoadLimitRestorationPeriod": 30,
        "LoadLimitSupplyState": "Unchanged"}),
)  # fmt: skip


class Maker:
    """Makes commands of the supplier, each with the next counter."""

    def __init__(self, keystore: KeyStore) -> None:
        self._keystore, self._counters = keystore, Counters(keystore.path)
        self._supplier = next(one.eui for one in default_anchors(keystore) if one.role == "supplier")
        require_device_key(keystore, EUI)

    def make(self, what: Class) -> bytes:
        """Return a protected command."""
        content, kind = what.content, "topup" if what.variant == TOP_UP else "message"
        counter = self._counters.next(self._supplier, kind)  # type: ignore[arg-type]
        if what.variant == TOP_UP:
            content = {"UTRN": utrn.make(self._keystore, self._supplier, EUI, 1000, counter)}
        document = compose(what.variant, content, Address(self._supplier, EUI, counter))
        return prepare(document, self._keystore, Choices(numbered=True), lambda line: None).command


def answered(link: Link, command: bytes, timeout_s: float = 10.0) -> float | None:
    """Send a command and return the seconds until its response came, None when it did not."""
    started = time.perf_counter()
    link.send(MESSAGES, command)
    while time.perf_counter() - started < timeout_s:
        frame = link.receive(timeout_s)
        if frame and int(frame.channel) == MESSAGES:
            is_block = frame.payload[:1] == b"\xe0"
            message = None if is_block else envelope.decode(frame.payload)
            if message is None or message.cra_flag == RESPONSE:
                return None if message and _is_refused(message) else time.perf_counter() - started
    return None


def _is_refused(response: Message) -> bool:
    if response.payload[0] != xdlms.ACCESS_RESPONSE:
        return False
    return any(result.code for result in xdlms.decode_response(response.payload).results)


def milliseconds(link: Link, maker: Maker, what: Class) -> float:
    """Return the mean time of a class of requests. Raises SmetsError when the meter does not answer."""
    times = [answered(link, maker.make(what)) for _ in range(ROUNDS)]
    if None in times:
        raise SmetsError(f"no answer to {what.name}")
    return sum(each for each in times if each) / ROUNDS * 1000


@contextmanager
def running(store: Path, heap: str = HEAP) -> Iterator[tuple[Link, Bench]]:
    """Run a meter whose clock only the bench moves."""
    with VirtualDevice(store, bench=True, heap=heap) as device, open_link(device.port) as link:
        bench = Bench(link)
        bench("speed", factor=0)
        yield link, bench


def least_heap(store: Path, maker: Maker, what: Class) -> int | None:
    """Return the least of HEAPS in which a meter that just booted answers, in KiB; None when it is none of them."""
    low, high = 0, len(HEAPS)
    while low < high:
        middle = (low + high) // 2
        if _passes(store, f"{HEAPS[middle]}k", maker.make(what)):
            high = middle
        else:
            low = middle + 1
    return HEAPS[low] if low < len(HEAPS) else None


def _passes(store: Path, heap: str, command: bytes) -> bool:
    copy = Path(tempfile.mkdtemp(dir=store.parent))
    shutil.copytree(store, copy, dirs_exist_ok=True)
    try:
        with VirtualDevice(copy, bench=True, heap=heap) as device, open_link(device.port) as link:
            return answered(link, command, DEAD_S) is not None
    except SmetsError:
        return False
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _boot_ms(store: Path) -> float:
    started = time.perf_counter()
    with running(store):
        return (time.perf_counter() - started) * 1000


def _as_logs_fill(store: Path, maker: Maker) -> None:
    """Print a line for each of FILLED_DAYS, and what the last, of full logs, costs in the first's."""
    names = ("a read", "a signed command", "a day of half hours", "a boot")
    print(f"  as the logs fill, days of half hours: ms of {', of '.join(names)} (heap {HEAP})")
    lived, found = 0, list[tuple[float, ...]]()
    for days in FILLED_DAYS:
        with running(store, ROOMY) as (link, bench):
            bench("load", import_w=1500)
            for day in range(lived, days):
                bench.advance_to(NOW_S + (day + 1) * DAY_S)
        with running(store) as (link, bench):
            read, signed = (milliseconds(link, maker, CLASSES[place]) for place in (0, 5))
            bench("load", import_w=1500)
            started = time.perf_counter()
            bench.advance_to(NOW_S + (days + 1) * DAY_S)
            day_ms = (time.perf_counter() - started) * 1000
        lived = days + 1
        found.append((read, signed, day_ms, _boot_ms(store)))
        print(f"    {days:4} days " + " ".join(f"{cost:8.2f}" for cost in found[-1]))
    ratios = [f"{name} {last / first:.1f}" for name, first, last in zip(names, found[0], found[-1], strict=True)]
    print(f"    with full logs: {', '.join(ratios)} times what it costs with empty ones")


def run() -> None:
    """Print a line a class, and how it goes as the logs fill."""
    with tempfile.TemporaryDirectory() as folder:
        keystore, store = pki.init(Path(folder) / "keys"), Path(folder) / "meter"
        with VirtualDevice(store, bench=True) as device, open_link(device.port) as link:
            provision(link, keystore, EUI)
        maker = Maker(KeyStore.open(keystore.path))
        with running(store) as (link, bench):
            bench.set_time(NOW_S)
            print(f"unix MicroPython, .mpy, heap {HEAP}: command in to response out, mean of {ROUNDS}; least heap")
            for what in CLASSES:
                _show(what, link, maker)
        for what in CLASSES:
            heap = least_heap(store, maker, what)
            print(f"  {what.name:28} {f'{heap} KiB' if heap else f'more than {HEAPS[-1]} KiB'}")
        _as_logs_fill(store, maker)


def _show(what: Class, link: Link, maker: Maker) -> None:
    try:
        print(f"  {what.name:28} {milliseconds(link, maker, what):8.2f} ms")
    except SmetsError as error:
        print(f"  {what.name:28} {error}")


if __name__ == "__main__":
    run()
