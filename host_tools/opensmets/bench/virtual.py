"""A virtual device: the firmware in a process of its own, reached over a pty as a board is over USB."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import tty
from pathlib import Path
from types import TracebackType

from opensmets.bench.firmware import PROGRAMS, compiled_firmware, firmware_path, main_path, micropython_path
from opensmets.bench.flatten import FOLDER
from opensmets.bench.lifeline import Watch, end_with_parent
from opensmets.errors import SmetsError
from opensmets.links.runtime import StoreLock

HEAP = "250k"  # a fair gate for a stock Pico's heap (device_facts)
STOP_TIMEOUT_S = 5.0
_FIRMWARE_NAME, _STORE_NAME = "lib", "store"
START_AGAIN = 75
"""Exit code by which a device asks to be started again, with the firmware that it then picks (boards/UNIX/main.py)."""
TRIAL_S = 60.0
"""How long firmware on trial may take to prove itself before its start is ended, as a board's watchdog would."""
RUNTIMES = ("micropython", "cpython")


class VirtualDevice:
    """One device process. `port` is what a host opens, a pty or the `link`; state lives in `store` and survives
    restarts. `program` is one of `firmware.PROGRAMS`.
    """

    def __init__(
        self,
        store: Path,
        *,
        role: str = "esme",
        runtime: str = "micropython",
        speed: int = 1,
        bench: bool = False,
        heap: str = HEAP,
        log: Path | None = None,
        link: str | None = None,
        load: Path | None = None,
        program: str = PROGRAMS[0],
    ) -> None:
        self.trial_s = TRIAL_S
        self._program = program
        self.store, self.role, self.runtime, self.speed, self.bench, self.heap = (
            store,
            role,
            runtime,
            speed,
            bench,
            heap,
        )
        self._log = log.open("ab") if log else tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._names = tempfile.TemporaryDirectory(prefix="smets-")
        self._process: subprocess.Popen[bytes] | None = None
        self._attendant: threading.Thread | None = None
        self._stopping = False
        self._started_by: str | None = None
        self._lock: StoreLock | None = None
        self._watch: Watch | None = None
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        # The slave stays open here too, so that a host may come and go without a hang-up reaching the device.
        self._link, self._load = link, load
        self.port = link or os.ttyname(self._slave)

    def __enter__(self) -> VirtualDevice:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self) -> tuple[list[str], dict[str, str]]:
        store = str(self.store.absolute()) if self.runtime == "cpython" else _STORE_NAME
        options = ["--store", store, "--role", self.role, "--speed", str(self.speed)]
        options += ["--bench"] if self.bench else []
        options += ["--link", self._link] if self._link else []
        started_by, self._started_by = self._started_by, None
        options += ["--started-by", started_by] if started_by else []
        options += ["--load", str(self._load.absolute())] if self._load else []
        if self.runtime == "cpython":
            source = firmware_path()
            return [sys.executable, str(main_path(self._program)), *options], {
                "PYTHONPATH": f"{source}{os.pathsep}{source / 'cpython'}"
            }
        interpreter = micropython_path()
        if interpreter is None:
            raise SmetsError("no MicroPython for this machine: set $MICROPYTHON, or use --runtime cpython")
        path = os.pathsep.join((f"{_FIRMWARE_NAME}/{FOLDER}", _FIRMWARE_NAME))
        environment = {"MICROPYPATH": path, "PWD": self._short_names()}
        start = [str(interpreter.absolute()), "-X", f"heapsize={self.heap}", "-m", self._program]
        return [*start, *options], environment

    def _short_names(self) -> str:
        """Return a folder in which the firmware and the store go by short names.

        A module's path takes heap for as long as the device runs, and is short on a board, whatever it is here.
        """
        for name, folder in ((_FIRMWARE_NAME, compiled_firmware()), (_STORE_NAME, self.store.absolute())):
            link = Path(self._names.name) / name
            link.unlink(missing_ok=True)
            link.symlink_to(folder)
        return self._names.name

    def start(self) -> None:
        """Boot the device; it answers once its first frame is read.

        Raises StoreBusy when another process has the store, SmetsError when the device cannot be started.
        """
        self.store.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock or StoreLock(self.store, self.port)
        os.set_blocking(self._master, False)
        self._stopping = False
        self._spawn()
        self._attendant = threading.Thread(target=self._attend, name=f"device {self.port}", daemon=True)
        self._attendant.start()

    def _attend(self) -> None:
        """Start the process again whenever it asks for that. The thread lives as long as what it starts."""
        while self._process and self._ended(self._process) == START_AGAIN and not self._stopping:
            self._unwatch()
            self._started_by = self._started_by or "program"
            self._spawn()

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the process and return its exit code; a trial that hangs is ended, and is to start again."""
        try:
            return process.wait(self.trial_s)
        except subprocess.TimeoutExpired:
            if self._is_trial():
                process.kill()
                process.wait()
                self._started_by = "watchdog"
                return START_AGAIN
        return process.wait()

    def _is_trial(self) -> bool:
        """Whether the firmware that runs has still to prove itself (firmware/boot.py)."""
        try:
            return (self.store / "slots" / "boot").read_bytes()[2:3] == b"T"
        except OSError:
            return False

    def _spawn(self) -> None:
        command, environment = self._command()
        assert self._lock
        ask_the_kernel = end_with_parent()
        try:
            self._process = subprocess.Popen(
                command, stdin=self._master, stdout=self._master, stderr=self._log, env={**os.environ, **environment},
                cwd=environment.get("PWD"),
                pass_fds=[self._lock.fileno()], preexec_fn=ask_the_kernel,
            )  # fmt: skip
        except OSError as error:
            said = " ($MICROPYTHON)" if os.environ.get("MICROPYTHON") == command[0] else ""
            raise SmetsError(f"{command[0]}{said} cannot be run: {error.strerror}; name a working one") from None
        if ask_the_kernel is None:
            self._watch = Watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The device's process id. Raises SmetsError when it is not running."""
        if self._process is None:
            raise SmetsError("the virtual device is not running: start it first")
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs, or is about to again."""
        return self._attendant is not None and self._attendant.is_alive()

    @property
    def exit_code(self) -> int | None:
        """What the process ended with by itself; None while it runs and after `stop`."""
        return self._process.poll() if self._process else None

    def errors(self) -> str:
        """Return what the device wrote to its error output."""
        if not self._log.readable():
            return ""
        file = self._log.fileno()  # its place is the device's too, which goes on writing: it must not be moved
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def stop(self) -> None:
        """End the process as a power cut would: nothing is said to it first."""
        self._stopping = True
        while self._attendant and self._attendant.is_alive():
            if self._process and self._process.poll() is None:
                self._process.kill()
            self._attendant.join(STOP_TIMEOUT_S)
        self._process = self._attendant = None
        self._unwatch()

    def _unwatch(self) -> None:
        if self._watch:
            self._watch.close()
            self._watch = None

    def restart(self, started_by: str | None = None) -> None:
        """Cut the power and boot again with the same store and the same port.

        `started_by` is what the device takes for the cause: a `watchdog`, its `hardware`, the `program` itself, or
        None, its supply.
        """
        self.stop()
        self._started_by = started_by
        self.start()

    def wait(self) -> int:
        """Wait until the device ends by itself and return its exit code."""
        while self.alive():
            time.sleep(0.1)
        return self._process.returncode if self._process else 0

    def close(self) -> None:
        """Stop the device and give its port and its store back."""
        self.stop()
        if self._lock:
            self._lock.close()
            self._lock = None
        for descriptor in (self._master, self._slave):
            os.close(descriptor)
        self._log.close()
        self._names.cleanup()
