"""The device under test, virtual or a board, and the conversation with it.

Before every test it is reset. A virtual meter's power is cut, its store put back as it was when it was provisioned,
and it boots again: nothing is left of the test before. A board keeps its flash, keys and counters: the bench puts back
the fields that everyday requests change (`FIRST_STATE`), clears faults and logs, and closes its covers. In both cases
the clock stands at START, and only the bench moves it. Originator counters never go back.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from opensmets.bench.control import PROVISIONING, Bench, Caller, send_hub_time
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.cli.answers import alert_document
from opensmets.cli.conversation import EPOCH, Conversation, Verified
from opensmets.cli.keys import open_keystore, require_device_key
from opensmets.cli.options import keystore_path
from opensmets.errors import SmetsError
from opensmets.layouts.han_event import HanEvent
from opensmets.links import open_link
from opensmets.rig.reply import Alert
from opensmets.rig.tap import Tap
from opensmets.security import pki
from opensmets.security.keystore import KeyStore, format_eui, parse_eui

START = datetime(2026, 1, 1, tzinfo=UTC)
ALERT_TIMEOUT_S = 5.0
VIRTUAL_EUI = "00-DB-12-34-56-78-90-A0"
#: What the bench sets on a board before every test: credit mode, nothing owed or registered, an enabled supply.
FIRST_STATE: tuple[tuple[str, int], ...] = (
    ("payment.mode", 1), ("payment.meter_balance_millipence", 0), ("payment.emergency_credit_limit_millipence", 0),
    ("registers.active_import_wh", 0), ("registers.active_export_wh", 0),
    ("supply.state", 1), ("supply.reason", 0), ("supply.locked", 0), ("load_limit.power_threshold_w", 0),
)  # fmt: skip
FIRST_LOGS = ("logs.event", "logs.security", "logs.power_event")
NOMINAL_DV = 2300


class RigDevice:
    """A provisioned meter, made by `open_virtual` or `open_board`. Leaving `with` closes it."""

    def __init__(self, port: str, keystore: KeyStore, virtual: VirtualDevice | None = None) -> None:
        self.keystore = keystore
        self._virtual, self._first = virtual, None if virtual is None else virtual.store.with_name("first")
        self._alerts: list[Alert] = []
        self._han_events: list[HanEvent] = []
        self._tap = Tap(open_link(port), keystore)
        self.conversation = Conversation(
            self._tap, keystore, on_alert=self._keep, on_han_event=self._han_events.append, on_log=self._tap.note
        )
        self.bench = Bench(self._tap, self.conversation.take_frame)
        self._used = True
        self.eui = b""

    @property
    def name(self) -> str:
        """The meter's EUI-64 as DUIS writes it."""
        return format_eui(self.eui)

    @property
    def link(self) -> Tap:
        """The link to the meter; what passes is kept for a test that fails."""
        return self._tap

    @property
    def store(self) -> Path:
        """The folder of a virtual meter's state. Raises SmetsError with a board, which has its own flash."""
        if not self._virtual:
            raise SmetsError("a board keeps its state in its own flash: run this test on a virtual meter")
        return self._virtual.store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._tap.close()
        if self._virtual:
            self._virtual.close()

    def become_meter(self) -> None:
        """Provision a new virtual device and keep its store as it is then."""
        provision(self._tap, self.keystore, VIRTUAL_EUI)
        self.eui = parse_eui(VIRTUAL_EUI)
        assert self._virtual and self._first
        self._virtual.stop()
        shutil.copytree(self._virtual.store, self._first)
        self._virtual.start()

    def recognise(self) -> None:
        """Find out which meter a board is. Raises SmetsError when it is none yet, or has no bench."""
        known = Caller(self._tap, PROVISIONING, self.conversation.take_frame)("who")
        if not known["provisioned"]:
            raise SmetsError("the board is no meter yet: run `smets device provision --port PORT` first")
        self.eui = bytes.fromhex(known["eui"])
        require_device_key(self.keystore, self.eui)
        try:
            self.bench.status()
        except SmetsError:
            raise SmetsError("the board has no bench: flash it with `make flash BENCH=1`") from None

    def reset(self) -> None:
        """Bring the meter to its first state; the module says how."""
        if self._virtual and self._first:
            self._virtual.stop()
            shutil.rmtree(self._virtual.store)
            shutil.copytree(self._first, self._virtual.store)
            self._virtual.start()
        self.bench("speed", factor=0)
        if not self._virtual:
            self._reset_by_bench()
        start_s = int((START - EPOCH).total_seconds())
        self.bench.set_time(start_s)
        send_hub_time(self._tap, start_s)
        self.bench.status()  # what was still to come has come when this is answered
        self._alerts.clear()
        self._han_events.clear()
        self._tap.clear()

    def _reset_by_bench(self) -> None:
        phases = len(self.bench("load", import_w=0, export_w=0, import_var=0, export_var=0).get("voltage_dv", [0]))
        self.bench("load", voltage_dv=[NOMINAL_DV] * max(phases, 1))
        self.bench("faults_clear")
        self.bench("power", on=True)
        for path, value in FIRST_STATE:
            self.bench.set(path, value)
        for cover in ("terminal", "meter", "battery"):
            self.bench("tamper", cover=cover, open=False)
        for log in FIRST_LOGS:
            self.bench("clear", log=log)

    def cut_power(self, started_by: str | None = None) -> None:
        """Cut the power of a virtual meter without a word and let it boot again. Raises SmetsError with a board.

        `started_by` is what the meter takes for the cause: a `watchdog`, its `hardware`, the `program` itself, or
        None, its supply.
        """
        if not self._virtual:
            raise SmetsError("the rig cannot pull a board's plug: run this test on a virtual meter")
        self._virtual.restart(started_by)
        self.bench("speed", factor=0)

    def now(self) -> datetime:
        """Return the meter's time."""
        return EPOCH + timedelta(seconds=int(self.bench.status()["time_s"]))

    def alert(self, code: int, recipient: bytes | None = None, timeout_s: float = ALERT_TIMEOUT_S) -> Alert:
        """Return the first verified alert of a code that nobody has taken yet, waiting for it; it is taken then.

        Raises SmetsError telling what came instead.
        """
        found = self._take(code, recipient)
        if found is None:
            for _ in self.conversation.listen(timeout_s):
                if found := self._take(code, recipient):
                    break
        if found is None:
            came = ", ".join(f"0x{alert.code:04X} to {format_eui(alert.recipient)}" for alert in self._alerts)
            raise SmetsError(f"no alert 0x{code:04X} came within {timeout_s:g} s, but {came or 'none'}")
        return found

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The verified alerts that came and were not taken yet."""
        return tuple(self._alerts)

    @property
    def han_events(self) -> tuple[HanEvent, ...]:
        """The events that the meter announced to the home area network since the test began; nothing protects them."""
        return tuple(self._han_events)

    def told(self) -> str:
        """Return the last messages decoded, and what a virtual meter wrote to its error output."""
        errors = self._virtual.errors().strip() if self._virtual else ""
        return self._tap.told() + (f"\nerror output:\n{errors}" if errors else "")

    def _take(self, code: int, recipient: bytes | None) -> Alert | None:
        for alert in self._alerts:
            if alert.code == code and recipient in (None, alert.recipient):
                self._alerts.remove(alert)
                return alert
        return None

    def _keep(self, alert: Verified) -> None:
        self._alerts.append(Alert(alert, alert_document(alert)))


def open_virtual(folder: Path, runtime: str) -> RigDevice:
    """Return a new virtual meter with test keys of its own, its state below `folder`."""
    keystore = pki.init(folder / "keystore")
    with ExitStack() as stack:
        virtual = VirtualDevice(folder / "meter", runtime=runtime, bench=True)
        stack.callback(virtual.close)
        virtual.start()
        device = RigDevice(virtual.port, keystore, virtual)
        device.become_meter()
        stack.pop_all()
    return device


def open_board(port: str, keystore: str | None) -> RigDevice:
    """Return the meter at a port, whose keys are in a key store. Raises SmetsError when it cannot be tested with."""
    device = RigDevice(port, open_keystore(keystore_path(Path(keystore) if keystore else None)))
    with ExitStack() as stack:
        stack.push(device)
        device.recognise()
        stack.pop_all()
    return device
