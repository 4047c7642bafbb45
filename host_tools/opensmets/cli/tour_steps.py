"""The steps of the tour. Each does something to the meter, checks the verified answer and what became of the meter,
and returns the lines that tell of it; what does not hold raises DemoFailed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from lxml import etree

from opensmets.cli.answers import Answer
from opensmets.cli.conversation import EPOCH, now_s
from opensmets.cli.scene import DEVICE, Scene, expect
from opensmets.cli.xml_view import read_document
from opensmets.layouts import envelope
from opensmets.layouts.envelope import Message
from opensmets.security import utrn
from opensmets.security.protection import add_mac, sign_precommand, verify
from opensmets.security.sensitive import sealed_parts

LOAD_W, LOAD_S = 2300, 3600
TOP_UP_PENCE = 1000
THRESHOLD_W = 6900
DATED_S = 1800
NOT_AUTHENTIC, NO_AUTHORITY, ARMED, ACTIVATED = 0x8F3D, 0x8F30, 0x8F32, 0x8F66
COVER_OPENED, COVER_CLOSED = 0x8F76, 0x81C1

Lines = Iterator[str]


def told(scene: Scene, answer: Answer) -> str:
    """Return one line about a request and its answer: its way out, and what proves the way back."""
    message, made = answer.verified.message, scene.last
    sent = (
        f"DUIS {answer.use_case.service_request} became {answer.use_case.name}, {len(made.command)} octets"
        if made
        else ""
    )
    return f"{sent}; answered with {len(message.raw)}, {proof(message)} valid"


def proof(message: Message) -> str:
    """Return what a verified message is protected by, in one word."""
    return "signature" if message.signature else "MAC"


def commission(scene: Scene) -> Lines:
    """Set the meter's clock from the hub's, by a signed command."""
    before = scene.now()
    scene.conversation.give_hub_time()
    yield f"the meter's clock stands at {before:%Y-%m-%d %H:%M:%S}; the hub gives the time"
    start = EPOCH + timedelta(seconds=now_s() - 30)
    answer = scene.ask("8.1.1", {"CurrentDateTime": start, "TolerancePeriod": 60})
    yield told(scene, answer)
    status, off_s = scene.bench.status(), abs(int(scene.bench.status()["time_s"]) - now_s())
    expect(off_s <= 2 and status["clock_status"] == 0, f"the clock is {off_s} s off, status {status['clock_status']}")
    yield f"the clock is now {scene.now():%Y-%m-%d %H:%M:%S} and reliable"


def read_registers(scene: Scene) -> Lines:
    """Let the meter measure for an hour, and read what it registered."""
    scene.bench("load", import_w=LOAD_W)
    scene.bench.advance_to(int(scene.bench.status()["time_s"]) + LOAD_S)
    scene.bench("load", import_w=0)
    yield f"an hour passes at {LOAD_W} W"
    answer = scene.ask("4.1.1", {})
    parts, plain = sealed_parts(answer.verified.message), answer.verified.decrypted
    expect(bool(parts) and len(plain) == len(parts), "the registers did not come encrypted")
    yield told(scene, answer)
    yield f"{len(parts[0].octets)} octets were encrypted for the supplier; decrypted here"
    value = _number(answer, "ActiveImportRegister/{*}Value")
    expect(value == LOAD_W * LOAD_S // 3600, f"the import register says {value} Wh")
    yield f"import register: {value} Wh"


def top_up(scene: Scene) -> Lines:
    """Send a 20-digit top-up token, and see it credited once."""
    before = _number(scene.ask("4.18", {}), "MeterBalance")
    counter = scene.next_counter("topup")
    token = utrn.make(scene.keystore, scene.supplier, DEVICE, TOP_UP_PENCE, counter)
    yield f"UTRN {' '.join(token[i : i + 4] for i in range(0, 20, 4))} for £{TOP_UP_PENCE / 100:.2f}"
    answer = scene.ask("2.2", {"UTRN": token}, counter=counter)
    yield told(scene, answer)
    credited = _number(scene.ask("4.18", {}), "MeterBalance") - before
    expect(credited == TOP_UP_PENCE * 1000, f"{credited} millipence were credited")
    yield f"read back: the meter balance rose by £{credited / 100_000:.2f}"


def switch_supply(scene: Scene) -> Lines:
    """Disable, arm and enable the supply with signed critical commands."""
    steps = (("7.2", "Disabled"), ("7.3", "Armed"), ("7.1", "Enabled"))
    for variant, wanted in steps:
        answer = scene.ask(variant, {})
        yield told(scene, answer)
        if wanted == "Armed":
            alert = scene.expect_alert(ARMED)
            yield f"alert 0x{ARMED:04X} Supply Armed came unasked: {proof(alert.message)} valid"
        state = scene.supply_state()
        expect(state == wanted, f"the supply is {state}, not {wanted}")
        yield f"read back: {state}"


def future_dated(scene: Scene) -> Lines:
    """Date a change ahead, and wait for the alert that says it happened."""
    moment = scene.now() + timedelta(seconds=DATED_S)
    content = {
        "ExecutionDateTime": moment, "LoadLimitPeriod": 300, "LoadLimitPowerThreshold": THRESHOLD_W,
        "LoadLimitRestorationPeriod": 30, "LoadLimitSupplyState": "Unchanged",
    }  # fmt: skip
    before = scene.bench.get("load_limit.power_threshold_w")
    answer = scene.ask("6.4.1", content)
    yield told(scene, answer)
    expect(scene.bench.get("load_limit.power_threshold_w") == before != THRESHOLD_W, "the change came too early")
    yield f"load limit {THRESHOLD_W} W from {moment:%H:%M:%S}; still unchanged"
    scene.bench.advance_to(int((moment - EPOCH).total_seconds()) + 1)
    alert = scene.expect_alert(ACTIVATED)
    expect(
        bool(alert.message.signature) and alert.message.recipient == scene.supplier, "the alert is not as it should be"
    )
    yield f"time passes; alert 0x8F66 (message code {alert.message.message_code:04X}) came unasked: signature valid"
    value = scene.bench.get("load_limit.power_threshold_w")
    expect(value == THRESHOLD_W, f"the load limit is {value} W")
    yield f"the load limit is now {value} W"


def read_log(scene: Scene) -> Lines:
    """Open and close the meter's terminal cover: one is told at once, the other stands in the event log."""
    scene.bench("tamper", cover="terminal", open=True)
    scene.bench("tamper", cover="terminal", open=False)
    alert = scene.expect_alert(COVER_OPENED)
    expect(alert.message.originator == DEVICE, "the alert is another device's")
    news = f"alert 0x{COVER_OPENED:04X} came unasked: {proof(alert.message)} valid"
    yield f"somebody opens and closes the terminal cover: {news}"
    period = {"StartDateTime": scene.now() - timedelta(hours=1), "EndDateTime": scene.now() + timedelta(hours=1)}
    answer = scene.ask("6.13", {"ReadLogPeriod": period, "LogToRead": "Event"})
    yield told(scene, answer)
    entries = [
        _texts(entry) for entry in read_document(answer.document or b"").iterfind(".//{*}SMETSData//{*}LogEntry")
    ]
    yield from (f"log: {' '.join(entry)}" for entry in entries[-3:])
    expect(any(f"{COVER_CLOSED:04X}" in entry for entry in entries), "the cover's closing is not in the event log")


def refuse_attacks(scene: Scene) -> Lines:
    """Send three commands that the meter must refuse: altered, repeated, and from a party without the role."""
    yield f"first, good commands: {told(scene, scene.ask('7.2', {}))}"
    replayed = scene.last.command if scene.last else b""
    yield f"                      {told(scene, scene.ask('7.1', {}))}"
    yield from _attack(scene, "one bit flipped in Disable Supply", _flipped(scene), NOT_AUTHENTIC)
    yield from _attack(scene, "that Disable Supply sent again", replayed, NOT_AUTHENTIC)
    yield from _attack(scene, "Disable Supply well signed by the network operator", _intruder(scene), NO_AUTHORITY)
    state = scene.supply_state()
    expect(state == "Enabled", f"the supply is {state} after the attacks")
    yield f"and the next good command works: the supply is {state}"


def _attack(scene: Scene, what: str, command: bytes, code: int) -> Lines:
    scene.alerts.clear()
    before = _state(scene)
    scene.conversation.send_frame(command)
    alert = scene.expect_alert(code)
    expect(_state(scene) == before, f"{what}: the meter changed")
    yield f"{what}: refused, nothing changed, alert 0x{code:04X} ({proof(alert.message)} valid)"


def _state(scene: Scene) -> tuple[object, ...]:
    """Return what an attack would have changed."""
    paths = ("supply.state", "supply.changed_s", "payment.meter_balance_millipence", "load_limit.power_threshold_w")
    return (*(scene.bench.get(path) for path in paths), scene.bench.status().get("accepted"))


def _flipped(scene: Scene) -> bytes:
    """Return a good Disable Supply with one bit of its payload altered."""
    command = bytearray(scene.make("7.2", {}).command)
    command[envelope.decode(bytes(command)).payload_end - 1] ^= 1
    return bytes(command)


def _intruder(scene: Scene) -> bytes:
    """Return a Disable Supply that the network operator signed, with a valid MAC: only the role is missing."""
    operator = scene.keystore.by_role("network_operator")[0].eui
    mine = envelope.decode(scene.make("7.2", {}).command)
    unsigned = envelope.encode(replace(mine, originator=operator, signature=None, mac=None, raw=b""))
    signed = envelope.decode(sign_precommand(unsigned, scene.keystore))
    command = envelope.encode(add_mac(replace(signed, raw=b""), scene.keystore))
    expect(verify(envelope.decode(command), scene.keystore).authentic, "the intruder's command is not well made")
    return command


def _texts(element: etree._Element) -> list[str]:
    return [(child.text or "").strip() for child in element.iter("{*}*") if (child.text or "").strip()]


def _number(answer: Answer, path: str) -> int:
    text = read_document(answer.document or b"").findtext(f".//{{*}}{path}")
    expect(text is not None, f"no {path} in the answer")
    return int(text or "0")


STEPS: tuple[tuple[str, Callable[[Scene], Lines]], ...] = (
    ("Commissioning: the clock", commission),
    ("Reading the import registers", read_registers),
    ("A top-up by UTRN", top_up),
    ("Disabling, arming and enabling the supply", switch_supply),
    ("A change dated ahead, and its alert", future_dated),
    ("Reading the event log", read_log),
    ("Three attacks", refuse_attacks),
)
