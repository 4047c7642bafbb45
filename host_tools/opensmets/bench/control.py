"""The bench's hand on a device: JSON requests on a channel of the link, one at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from opensmets.errors import SmetsError

MESSAGES, HUB_TIME, BENCH, IMAGE, LOG, PROVISIONING, HAN_EVENT = range(7)
ANSWER_TIMEOUT_S = 10.0
HUB_TIME_STATUS = {"reliable": 0, "unreliable": 1, "invalid": 2}


class Frame(Protocol):
    """What a link receives."""

    @property
    def channel(self) -> int:
        """The channel byte."""

    @property
    def payload(self) -> bytes:
        """The frame's content."""


class FrameLink(Protocol):
    """The part of a link that the bench needs."""

    def send(self, channel: int, payload: bytes) -> None:
        """Send one frame."""

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came in time."""


class NoAnswer(SmetsError):
    """The device did not answer in time."""


class DeviceRefused(SmetsError):
    """The device answered a bench or provisioning request with `ok: false`."""


class Caller:
    """Asks, and waits for the answer on one JSON channel; what else arrives goes to `on_frame`."""

    def __init__(
        self,
        link: FrameLink,
        channel: int,
        on_frame: Callable[[Frame], None] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._link, self._channel, self._on_frame, self._timeout_s = link, channel, on_frame, timeout_s

    def __call__(self, do: str, *, timeout_s: float | None = None, **fields: Any) -> dict[str, Any]:
        """Send `{"do": do, ...}` and return the answer. Raises DeviceRefused, NoAnswer."""
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        self._link.send(self._channel, json.dumps({"do": do, **fields}, separators=(",", ":")).encode())
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            frame = self._link.receive(left)
            if frame is not None and int(frame.channel) == self._channel:
                return self._answer(do, frame.payload)
            if frame is not None and self._on_frame:
                self._on_frame(frame)
        raise NoAnswer(
            f"no answer to {do} within {timeout_s:g} s: is the device running, is this its port, and did it start "
            "with `--bench` where that is wanted?"
        )

    @staticmethod
    def _answer(do: str, payload: bytes) -> dict[str, Any]:
        answer = json.loads(payload)
        if not answer.get("ok"):
            raise DeviceRefused(f"the device refuses {do}: {answer.get('why', 'no reason given')}")
        return dict(answer)


class Bench(Caller):
    """The bench channel: typed setters, faults, load, tamper, keypad, time; only on a device started for it."""

    def __init__(
        self,
        link: FrameLink,
        on_frame: Callable[[Frame], None] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        super().__init__(link, BENCH, on_frame, timeout_s)

    def get(self, path: str) -> Any:
        """Read a field of the meter model by its path."""
        return self("get", path=path)["value"]

    def set(self, path: str, value: Any) -> None:
        """Write a field of the meter model through its typed setter."""
        self("set", path=path, value=value)

    def append(self, log: str, row: list[Any]) -> None:
        """Add a row to a log, as the meter itself would."""
        self("append", log=log, row=row)

    def fault(self, class_id: int, obis: bytes, member: int, result: int) -> None:
        """Make the backing of one attribute or method fail with a result code."""
        self("fault", **{"class": class_id}, obis=obis.hex(), member=member, result=result)

    def set_time(self, time_s: int) -> None:
        """Set the device's clock, seconds since 2000-01-01."""
        self("time", set=time_s)

    def advance_to(self, time_s: int) -> None:
        """Let the meter live up to a time at once."""
        self("time", advance_to=time_s, timeout_s=120.0)

    def status(self) -> dict[str, Any]:
        """Return the device's counters."""
        return self("status")


def send_hub_time(link: FrameLink, time_s: int, status: str = "reliable") -> None:
    """Give the hub's clock, seconds since 2000-01-01, as a communications hub would."""
    link.send(HUB_TIME, time_s.to_bytes(4, "big") + bytes([HUB_TIME_STATUS[status]]))
