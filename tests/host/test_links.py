"""Links to a real process over a pty: 300 frames, noise, a host that comes and goes, locks, a port that vanishes."""

import json
import os
import random
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.errors import SmetsError, UsageError
from opensmets.layouts.link_frame import Frame
from opensmets.links import Announcement, Link, LinkLost, PortBusy, RunningDevice, finding, open_link, running_devices
from opensmets.links.framing import encode_frame
from opensmets.links.runtime import PortLock

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
ECHO = Path(__file__).with_name("echo_device.py")
MESSAGES, LOG = 0, 4


class Echo:
    """The echo process and its pty; `port` is the slave's path."""

    def __init__(self, runtime: str, *, nonblocking: bool = False, keep_slave: bool = False, usb: bool = False) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        os.set_blocking(self.master, not nonblocking)
        if not keep_slave:
            os.close(self.slave)
        mode = ["nonblocking"] if nonblocking else ["usb"] if usb else []
        python = runtime == "cpython"
        command = [sys.executable] if python else [str(micropython_path()), "-X", "heapsize=100k"]
        path = f"{FIRMWARE}:{FIRMWARE / 'cpython'}" if python else str(FIRMWARE)
        environment = {**os.environ, "PYTHONPATH" if python else "MICROPYPATH": path}
        self.process = subprocess.Popen(
            [*command, str(ECHO), *mode], stdin=self.master, stdout=self.master, env=environment
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture(params=["micropython", "micropython-blocking", "cpython"])
def echo(request: pytest.FixtureRequest) -> Iterator[Echo]:
    if request.param != "cpython" and micropython_path() is None:
        pytest.skip("no MicroPython for this machine: install it or set $MICROPYTHON")
    device = Echo(request.param.partition("-")[0], nonblocking=request.param == "micropython", keep_slave=False)
    yield device
    device.close()


def exchange(link: Link, payload: bytes) -> bytes:
    link.send(MESSAGES, payload)
    frame = link.receive(10)
    assert frame is not None and frame.channel == MESSAGES
    return frame.payload


def test_300_random_frames(echo: Echo) -> None:
    chance = random.Random(1)
    with open_link(echo.port) as link:
        for _ in range(300):
            payload = chance.randbytes(chance.choice((0, 1, 30, 253, 254, 300, 1500)))
            assert exchange(link, payload) == payload
        assert exchange(link, bytes(8192)) == bytes(8192)
        assert exchange(link, b"\xff" * 8192) == b"\xff" * 8192
        assert link.dropped == 0


def test_the_usb_driver_carries_the_same_frames() -> None:
    if micropython_path() is None:
        pytest.skip("no MicroPython for this machine: install it or set $MICROPYTHON")
    device = Echo("micropython", usb=True, keep_slave=True)
    chance = random.Random(2)
    try:
        with open_link(device.port) as link:
            for size in (0, 3, 64, 65, 300, 1500, 8192):
                payload = bytes([3]) + chance.randbytes(size)  # 03 is Ctrl-C, which must be data here
                assert exchange(link, payload[:8192]) == payload[:8192]
    finally:
        device.close()


def test_noise_to_the_device_is_counted_and_survived(echo: Echo) -> None:
    with open_link(echo.port) as link:
        assert exchange(link, b"first") == b"first"
        link._stream.write(b"\x09noise\x00" + b"\x02\x01" * 9000 + b"\x00\x07\x01\x02\x03\x04\x05\x06\x00\x09half")
        link._stream.write(b"\x00")
        assert exchange(link, b"again") == b"again"
        link.send(LOG, b"")
        frame = link.receive(10)
        assert frame is not None and frame.payload == b"1 1 2"


def test_a_host_that_goes_and_comes_back(echo: Echo) -> None:
    for _ in range(4):
        with open_link(echo.port) as link:
            assert exchange(link, b"hello") == b"hello"
            link._stream.write(b"\x40cut off")  # the host leaves in the middle of a frame
        time.sleep(0.1)  # nobody has the slave open: the device sees a hang-up
    ticks = os.sysconf("SC_CLK_TCK")
    before = cpu_ticks(echo.process.pid)
    time.sleep(0.5)
    assert cpu_ticks(echo.process.pid) - before < 0.1 * ticks, "the device spins while nobody is there"
    assert echo.process.poll() is None


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_host_that_does_not_listen_does_not_stop_the_device() -> None:
    device = Echo("cpython", nonblocking=True, keep_slave=True)
    try:
        with open_link(device.port) as link:
            for _ in range(30):
                link.send(MESSAGES, b"z" * 8000)
            frames = list(iter(lambda: link.receive(3), None))
            link.send(MESSAGES, b"still there")
            frames += iter(lambda: link.receive(3), None)
            echoes = [frame.payload for frame in frames if frame and frame.channel == MESSAGES]
            told = [frame.payload.split()[0] for frame in frames if frame and frame.channel == LOG]
            assert echoes[-1] == b"still there" and told
            assert len(echoes) - 1 + sum(map(int, told)) == 30  # what did not come was told
    finally:
        device.close()


def test_a_port_that_vanishes_says_so() -> None:
    master, slave = os.openpty()
    port = os.ttyname(slave)
    os.close(slave)
    with open_link(port) as link:
        assert link.receive(0.05) is None
        os.close(master)
        with pytest.raises(LinkLost, match=f"{port} went away"):
            link.receive(1)
        with pytest.raises(LinkLost, match=f"{port} went away"):
            link.send(MESSAGES, b"x")


def test_the_rest_of_a_frame_that_has_begun_is_waited_for() -> None:
    octets = encode_frame(Frame(MESSAGES, b"an alert just behind an answer"))
    master, slave = os.openpty()
    tty.setraw(slave)
    with open_link(os.ttyname(slave)) as link:
        os.write(master, octets[:7])
        rest = threading.Timer(0.2, os.write, (master, octets[7:]))
        rest.start()
        frame = link.receive_waiting()
        rest.join()
    assert frame is not None and frame.payload == b"an alert just behind an answer"
    os.close(master)
    os.close(slave)


def test_a_device_that_takes_no_data_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensmets.links.serial_link.WRITE_TIMEOUT_S", 0.2)
    master, slave = os.openpty()
    with open_link(os.ttyname(slave)) as link, pytest.raises(LinkLost, match="takes no data"):
        for _ in range(40):
            link.send(MESSAGES, bytes(8192))
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("port", ["/dev/no-such-port", __file__])
def test_no_port_there(port: str) -> None:
    with pytest.raises(SmetsError, match=f"cannot open {port} .*: name the device's port"):
        open_link(port)


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    script = (
        "import sys, time; from opensmets.links.runtime import PortLock; lock = PortLock(sys.argv[1]); "
        "print('mine', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "port")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline() == b"mine\n"
    (tmp_path / "alias").symlink_to(tmp_path / "port")
    with pytest.raises(PortBusy, match=rf"in use by process {holder.pid} \(.*PortLock.*\): wait") as caught:
        PortLock(str(tmp_path / "alias"))
    assert "\n" not in str(caught.value)
    holder.kill()
    holder.wait()
    with PortLock(str(tmp_path / "alias")), pytest.raises(PortBusy, match=f"process {os.getpid()} "):
        PortLock(str(tmp_path / "port"))
    PortLock(str(tmp_path / "port")).close()


def test_a_link_locks_its_port_and_gives_it_back() -> None:
    master, slave = os.openpty()
    port = os.ttyname(slave)
    with open_link(port), pytest.raises(PortBusy, match=f"{port} is in use by process {os.getpid()}"):
        open_link(port)
    open_link(port).close()
    with pytest.raises(SmetsError, match="cannot write the capture"):
        open_link(port, pcap=Path("/no/such/folder/x.pcapng"))
    open_link(port).close()
    os.close(master)
    os.close(slave)


def test_auto_finds_the_one_virtual_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding.list_ports, "comports", list)
    with pytest.raises(UsageError, match="no board and no virtual device found"):
        finding.resolve_port("auto")
    one = RunningDevice("/dev/pts/77", "00-DB-12-34-56-78-90-A0", "esme", os.getpid())
    two = RunningDevice("/dev/pts/78", "00-DB-12-34-56-78-90-A1", "esme", os.getpid())
    dead = tmp_path / "opensmets" / "devices" / "dev_pts_9.json"
    with Announcement(one):
        dead.write_text(json.dumps({"port": "/dev/pts/9", "eui": "x", "role": "esme", "pid": 1}))
        assert finding.resolve_port("auto") == "/dev/pts/77"
        assert running_devices() == [one] and not dead.exists()
        with pytest.raises(SmetsError, match="running on /dev/pts/77 already"):
            Announcement(one)
        with Announcement(two), pytest.raises(UsageError, match=r"choice: /dev/pts/77 .*A0\), /dev/pts/78"):
            finding.resolve_port("auto")
    assert running_devices() == []
    assert finding.resolve_port("/dev/ttyX") == "/dev/ttyX"


@pytest.mark.parametrize(
    ("vid", "pid", "what"), [(0x2E8A, 5, "Pico"), (0x303A, 0x4001, "ESP32"), (0x10C4, 0xEA60, "CP210x")]
)
def test_auto_finds_a_board(vid: int, pid: int, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [_port(f"/dev/tty{n}") for n in range(3)]
    ports[1].vid, ports[1].pid = vid, pid
    ports[2].vid, ports[2].pid = 0x1234, 5
    monkeypatch.setattr(finding.list_ports, "comports", lambda: ports)
    assert [(port, what in name) for port, name in finding.candidates()] == [("/dev/tty1", True)]
    assert finding.resolve_port("auto") == "/dev/tty1"


def _port(device: str):
    from serial.tools.list_ports_common import ListPortInfo

    return ListPortInfo(device)
