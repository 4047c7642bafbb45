"""What is around a meter on the bench: load, voltage, covers, keypad, the supply, and time, moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from opensmets.cli.conversation import EPOCH
from opensmets.rig.device import RigDevice

DECIVOLTS = 10


class Workbench:
    """The bench of one meter. Time stands still until `let_pass` or `advance_to`; what is measured holds meanwhile."""

    def __init__(self, meter: RigDevice) -> None:
        self._meter, self._bench = meter, meter.bench

    def load(self, import_w: int = 0, export_w: int = 0, import_var: int = 0, export_var: int = 0) -> None:
        """Draw and feed in this power from now on."""
        self._bench("load", import_w=import_w, export_w=export_w, import_var=import_var, export_var=export_var)

    def voltage(self, *volts: float) -> None:
        """Set the voltage of each phase from now on, in volts, by tenths."""
        self._bench("load", voltage_dv=[round(each * DECIVOLTS) for each in volts])

    def open_cover(self, cover: str = "terminal", *, lock: bool = False) -> None:
        """Open the `terminal`, `meter` or `battery` cover; `lock` locks the supply with it."""
        self._bench("tamper", cover=cover, open=True, lock=lock)

    def close_cover(self, cover: str = "terminal") -> None:
        """Close a cover."""
        self._bench("tamper", cover=cover, open=False)

    def enter(self, digits: str) -> None:
        """Key the 20 digits of a UTRN in at the meter."""
        self._bench("keys", digits=digits)

    def press(self, button: str) -> None:
        """Press `supply`, which closes an armed switch, or `emergency`, which activates emergency credit."""
        self._bench("keys", button=button)

    def supply_fails(self) -> None:
        """Let the supply of electricity to the meter end."""
        self._bench("power", on=False)

    def supply_returns(self) -> None:
        """Let the supply come back."""
        self._bench("power", on=True)

    def sounds(self) -> int:
        """Return the code of the event for which the meter sounds now, 0 when it is silent."""
        return int(self._bench.status()["sounds"])

    def now(self) -> datetime:
        """Return the meter's time."""
        return self._meter.now()

    def let_pass(self, seconds: int = 0, **more: int) -> None:
        """Let time pass at once; `more` is as `timedelta` takes it: minutes, hours, days."""
        self.advance_to(self.now() + timedelta(seconds=seconds, **more))

    def advance_to(self, moment: datetime) -> None:
        """Let the meter live up to a moment at once."""
        self._bench.advance_to(int((moment - EPOCH).total_seconds()))

    def get(self, path: str) -> Any:
        """Read a field of the meter model, such as `load_limit.power_threshold_w`."""
        return self._bench.get(path)

    def set(self, path: str, value: Any) -> None:
        """Write a field of the meter model through its typed setter."""
        self._bench.set(path, value)

    def fault(self, class_id: int, obis: bytes, member: int, result: int) -> None:
        """Let one attribute or method fail with a result code from now on."""
        self._bench.fault(class_id, obis, member, result)
