"""`smets meter panel`: the display of a real meter, in a pipe, by script and in a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time

import pytest

from opensmets.cli.panel import keys_from
from opensmets.errors import UsageError
from tests.command import COMMAND, Outcome, smets
from tests.end_to_end.meter import Meter

pytestmark = pytest.mark.xdist_group("panel")


def _panel(meter: Meter, *options: str) -> Outcome:
    return smets("meter", "panel", "--port", meter.port, *options)


def test_a_pin_is_set_at_the_panel_and_asked_for(meter: Meter) -> None:
    first = _panel(meter, "--once")
    assert first.code == 0 and first.out.splitlines()[:2] == ["ACCOUNT", "Credit mode"]
    asked = _panel(meter, "--press", "back", "--press", "2468", "--press", "ok", "--once", "--json")
    assert json.loads(asked.out)["page"] == "privacy" and "Done" in json.loads(asked.out)["lines"]
    meter_page = _panel(meter, "--press", "clear", "--once").out
    assert "No PIN" in meter_page


def test_a_message_of_the_supplier_is_read_and_acknowledged(meter: Meter) -> None:
    from opensmets.bench.control import Bench
    from opensmets.links import open_link

    with open_link(meter.port) as link:
        Bench(link).set("display.message", b"Hello".hex())
    while json.loads((shown := _panel(meter, "--press", "next", "--once", "--json")).out)["page"] != "message":
        pass
    assert json.loads(shown.out)["lines"] == ["MESSAGE", "Hello", "OK: I have read"]
    assert "None" in _panel(meter, "--press", "ok", "--press", "clear", "--once").out


def test_a_key_that_there_is_not_is_one_line(meter: Meter) -> None:
    assert "digits, next, back, ok, clear" in _panel(meter, "--press", "menu", "--once").why


def test_in_a_terminal_the_keys_are_the_meters(meter: Meter) -> None:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "meter", "panel", "--port", meter.port],
        stdin=inner, stdout=inner, stderr=inner, close_fds=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(inner)
    shown, until = b"", time.monotonic() + 30
    while time.monotonic() < until and b"meter" not in shown:
        shown += os.read(outer, 4096)
    os.write(outer, b"97531")
    while time.monotonic() < until and b"9753 1" not in shown:
        shown += os.read(outer, 4096)
    os.write(outer, b"\x7f")
    os.write(outer, b"q")
    while process.poll() is None and time.monotonic() < until:
        try:
            shown += os.read(outer, 4096)
        except OSError:
            break
    os.close(outer)
    assert process.wait(timeout=10) == 0 and b"9753 1" in shown and "Enter ok" in shown.decode("utf-8", "replace")


def test_a_terminals_keys_are_told_apart() -> None:
    assert keys_from(b"12\r") == (["1", "2", "ok"], False)
    assert keys_from(b"\x1b[C\x1b[D\x7fxy ") == (["next", "back", "clear", "next"], False)
    assert keys_from(b"7q8") == (["7"], True)
    assert keys_from(b"") == ([], False)


def test_words_are_keys_or_digits() -> None:
    from opensmets.bench.panel import keys_of

    assert keys_of(["12", "ok", "next"]) == ["1", "2", "ok", "next"]
    for wrong in ("", "1a", "٣"):
        with pytest.raises(UsageError):
            keys_of([wrong])
