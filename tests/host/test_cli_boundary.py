"""Whatever happens, a user of `smets` gets one line and an exit code, and never a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opensmets.cli import keys, main
from tests.command import COMMAND, silent_port, smets, smets_process

COMMANDS = (
    "demo", "device", "send", "read", "supply", "topup", "commission", "listen", "decode", "transform", "sign",
    "protect", "pki", "utrn", "requests", "conformance", "image", "flash", "firmware",
)  # fmt: skip


def test_help_lists_every_command() -> None:
    outcome = smets("--help")
    assert outcome.code == 0
    for command in COMMANDS:
        assert command in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    outcome = smets(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "Usage" in outcome.out


def test_help_needs_none_of_the_heavy_rooms() -> None:
    code = (
        "import sys, opensmets.cli.main\n"
        "heavy = [name for name in ('lxml', 'cryptography', 'construct', 'serial', 'xmlsec') if name in sys.modules]\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_arguments_is_wrong_usage_and_shows_the_help() -> None:
    outcome = smets()
    assert outcome.code == 2
    assert "Usage" in outcome.out + outcome.err


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("send",), ("send", "--frob"), ("read", "weather", "--port", "x"), ("pki", "frob"), ("--frob",),
     ("device", "run", "--speed", "0"), ("device", "run", "--role", "gsme"), ("supply", "explode", "--port", "x"),
     ("read", "log", "--port", "x", "--from", "yesterday"), ("send", "x", "--port", "y", "--timeout", "-1")],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_two(arguments: tuple[str, ...]) -> None:
    outcome = smets(*arguments)
    assert outcome.code == 2
    assert "--help" in outcome.why


def _broken(*_: object) -> None:
    raise ZeroDivisionError("the\ntower falls")


def test_a_fault_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "parse_amount", _broken)
    outcome = smets("utrn", "make", "10.00")
    assert outcome.code == 1
    assert "ZeroDivisionError: the tower falls" in outcome.why
    assert "report" in outcome.why


def test_debug_shows_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "parse_amount", _broken)
    monkeypatch.setenv("SMETS_DEBUG", "1")
    assert "Traceback" in smets("utrn", "make", "10.00").err


def test_an_error_of_the_system_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "blocked").write_text("")
    outcome = smets("pki", "init", tmp_path / "keys" / "blocked" / "below")
    assert outcome.code == 1
    assert "blocked" in outcome.why


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    assert smets("pki", "init", tmp_path / "keys").code == 0
    listing = " ".join([*COMMAND, "pki", "list", str(tmp_path / "keys"), "--json"])
    done = subprocess.run(f"{listing} | true", shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_ctrl_c_is_130_and_quiet(tmp_path: Path) -> None:
    assert smets("pki", "init", tmp_path / "keys").code == 0
    with silent_port() as port, smets_process("listen", "--port", port, "--keystore", tmp_path / "keys") as process:
        assert process.stderr
        assert "listening" in process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == main.EXIT_INTERRUPTED
        assert process.stderr.read() == ""


def test_ctrl_c_while_the_command_loads_is_quiet() -> None:
    code = "import os, signal, sys; from opensmets.cli import entry\n" + (
        "sys.meta_path.insert(0, type('F', (), {'find_spec': lambda *a: os.kill(os.getpid(), signal.SIGINT)})())\n"
        "entry.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (main.EXIT_INTERRUPTED, "")


def test_help_into_a_closed_pipe_is_quiet() -> None:
    listing = " ".join([*COMMAND, "--help"])
    done = subprocess.run(f"{listing} | true", shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("read", "log", "--from", "yesterday"), "'yesterday' is no date"),
        (("read", "nothing"), "'nothing' is not one of 'registers'"),
        (("topup", "-5"), "'-5' is no amount in pounds"),
        (("topup", "1e1"), "'1e1' is no amount in pounds"),
        (("topup", "1_0"), "'1_0' is no amount in pounds"),
        (("read", "registers", "--log", "power"), "--log belongs to"),
        (("read", "registers", "--from", "2026-01-01"), "--from and --to belong to"),
        (("read", "supply", "--json", "--xml"), "choose one"),
        (("send", "nothere.xml"), "nothere.xml: no such file"),
        (("decode", "nothere.hex"), "nothere.hex: no such file"),
        (("sign", "nothere.hex"), "no"),
        (("transform", "nothere.xml"), "nothere.xml: no such file"),
        (("decode", "<Request/>"), "smets send"),
    ],
)
def test_wrong_usage_is_said_plainly(arguments: tuple[str, ...], expected: str) -> None:
    outcome = smets(*arguments)
    assert expected in outcome.why
    assert "Value error" not in outcome.why


@pytest.mark.parametrize("command", ["send", "read", "supply", "topup", "commission", "listen", "decode"])
def test_help_tells_the_exit_codes(command: str) -> None:
    assert "3 the device answered" in " ".join(smets(command, "--help").out.split())
