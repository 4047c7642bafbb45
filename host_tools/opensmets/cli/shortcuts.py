"""Everyday requests by name: `smets read`, `smets topup`, `smets supply`. Each makes a DUIS document and sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opensmets.cli.console import warn, working, write
from opensmets.cli.keys import choose_supplier, open_keystore, parse_amount, require_device_key
from opensmets.cli.options import (
    AUTO,
    DEFAULT_TIMEOUT_S,
    EXIT_CODES,
    As,
    Json,
    Keystore,
    NoHubTime,
    Pcap,
    Port,
    Timeout,
    Xml,
)
from opensmets.cli.send import show
from opensmets.errors import SmetsError, UsageError

if TYPE_CHECKING:
    from opensmets.cli.answers import Answer
    from opensmets.cli.conversation import Conversation
    from opensmets.security.keystore import KeyStore

Content = dict[str, Any]
#: Makes a request's content for a device (8-octet EUI), having taken its counter: returns both.
Maker = Callable[[bytes], tuple[int, Content]]
#: A log is read whole unless somebody says from when to when.
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
#: How `--from` and `--to` are written.
TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
TOP_UP = "2.2"
DONE = "done"
#: In a pound; a balance is in thousandths of a penny.
MILLIPENCE = 100_000
#: The hub's clock and the host's may differ by half of this when a meter is commissioned.
TOLERANCE_S = 60


class Reading(StrEnum):
    """What `smets read` reads."""

    REGISTERS = "registers"
    SUPPLY = "supply"
    LOG = "log"
    VOLTAGE = "voltage"
    FIRMWARE = "firmware"
    CREDENTIALS = "credentials"
    PREPAYMENT = "prepayment"
    BALANCE = "balance"
    LOAD_LIMIT = "load-limit"
    THRESHOLDS = "thresholds"


class Log(StrEnum):
    """The logs of a meter, by DUIS's names for them."""

    EVENT = "event"
    SECURITY = "security"
    POWER = "power"
    AUXILIARY = "auxiliary"


class Supply(StrEnum):
    """What `smets supply` does."""

    ENABLE = "enable"
    DISABLE = "disable"
    ARM = "arm"
    STATUS = "status"


LOG_NAMES = {Log.EVENT: "Event", Log.SECURITY: "Security", Log.POWER: "PowerEvent", Log.AUXILIARY: "ALCSEvent"}
SUPPLY_REQUESTS = {Supply.ENABLE: "7.1", Supply.DISABLE: "7.2", Supply.ARM: "7.3", Supply.STATUS: "7.4"}
#: What is read from one moment to another.
DATED = (Reading.LOG, Reading.VOLTAGE, Reading.PREPAYMENT)
CREDENTIAL_ROLES = ["Supplier", "NetworkOperator", "ACB", "Recovery", "TransCoS"]


@dataclass(frozen=True, slots=True)
class Way:
    """How a shortcut talks: port, keys, what to print."""

    port: str
    keystore: KeyStore
    originator: bytes
    pcap: Any = None
    hub_time: bool = True
    timeout_s: float = DEFAULT_TIMEOUT_S
    as_json: bool = False
    as_xml: bool = False


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    for command in (read, topup, supply, commission):
        app.command(command.__name__, epilog=EXIT_CODES)(command)


def request_content(reading: Reading, log: Log, period: tuple[datetime, datetime]) -> tuple[str, Content]:
    """Return the service request variant of a reading and the content of its request."""
    dates = {"ReadLogPeriod": {"StartDateTime": period[0], "EndDateTime": period[1]}}
    table: dict[Reading, tuple[str, Content]] = {
        Reading.REGISTERS: ("4.1.1", {}),
        Reading.SUPPLY: ("7.4", {}),
        Reading.LOG: ("6.13", {**dates, "LogToRead": LOG_NAMES[log]}),
        Reading.VOLTAGE: ("4.10", dates),
        Reading.FIRMWARE: ("11.2", {}),
        Reading.CREDENTIALS: ("6.24.1", {"RemotePartyRole": CREDENTIAL_ROLES}),
        Reading.PREPAYMENT: ("4.14", dates),
        Reading.BALANCE: ("4.18", {}),
        Reading.LOAD_LIMIT: ("4.15", {}),
        Reading.THRESHOLDS: ("6.2.5", {}),
    }
    return table[reading]


def read(
    what: Annotated[Reading, typer.Argument(help="What to read.")],
    port: Port = AUTO,
    log: Annotated[Log | None, typer.Option("--log", help="Which log, with `read log` [default: event]")] = None,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=TIME_FORMATS, help="First moment, in UTC.")
    ] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=TIME_FORMATS, help="Last moment, in UTC.")] = None,
    keystore: Keystore = None,
    originator: As = None,
    pcap: Pcap = None,
    as_json: Json = False,
    as_xml: Xml = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    no_hub_time: NoHubTime = False,
) -> None:
    """Read registers, the supply's state, a log, balances, settings, the firmware version or the credentials."""
    if log is not None and what is not Reading.LOG:
        raise UsageError(f"--log belongs to `smets read log`, not to `smets read {what.value}`: leave it out")
    if (start or end) and what not in DATED:
        raise UsageError(f"--from and --to belong to {', '.join(DATED)}, not to {what.value}: leave them out")
    period = (start.replace(tzinfo=UTC) if start else FIRST, end.replace(tzinfo=UTC) if end else LAST)
    if period[1] < period[0]:
        raise UsageError("--to lies before --from: swap them")
    way = _way(port, keystore, originator, pcap, no_hub_time, timeout, as_json, as_xml)
    _ask(way, *request_content(what, log or Log.EVENT, period), empty="nothing is recorded")


def supply(
    what: Annotated[Supply, typer.Argument(help="What to do with the supply.")],
    port: Port = AUTO,
    keystore: Keystore = None,
    originator: As = None,
    pcap: Pcap = None,
    as_json: Json = False,
    as_xml: Xml = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    no_hub_time: NoHubTime = False,
) -> None:
    """Enable, disable or arm the supply (signed critical commands), or read its state."""
    way = _way(port, keystore, originator, pcap, no_hub_time, timeout, as_json, as_xml)
    _ask(way, SUPPLY_REQUESTS[what], {})


def commission(
    port: Port = AUTO,
    keystore: Keystore = None,
    originator: As = None,
    pcap: Pcap = None,
    as_json: Json = False,
    as_xml: Xml = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Set the meter's clock, which starts at 2000-01-01, from its hub's: Commission Device (8.1.1), signed."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=TOLERANCE_S // 2)
    way = _way(port, keystore, originator, pcap, False, timeout, as_json, as_xml)
    _ask(way, "8.1.1", {"CurrentDateTime": start, "TolerancePeriod": TOLERANCE_S})


def topup(
    amount: Annotated[
        str, typer.Argument(metavar="POUNDS|UTRN", help="The credit, such as 10.00, or a 20-digit UTRN.")
    ],
    port: Port = AUTO,
    keystore: Keystore = None,
    originator: As = None,
    pcap: Pcap = None,
    as_json: Json = False,
    as_xml: Xml = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    no_hub_time: NoHubTime = False,
) -> None:
    """Make a UTRN for an amount, or take the given one, and send it to the meter."""
    digits = "".join(amount.split()).replace("-", "")
    token = digits if len(digits) == 20 and digits.isdigit() else None
    amount_pence = 0 if token else parse_amount(amount)
    way = _way(port, keystore, originator, pcap, no_hub_time, timeout, as_json, as_xml)

    def content(device: bytes) -> tuple[int, Content]:
        return _topup_content(way, device, token, amount_pence)

    _ask(way, TOP_UP, content)


def _topup_content(way: Way, device: bytes, token: str | None, amount_pence: int) -> tuple[int, Content]:
    """Return a top-up's counter, taken, and content. Raises SmetsError when the token is another's."""
    from opensmets.security import utrn
    from opensmets.security.counters import Counters

    counters = Counters(way.keystore.path)
    if token is None:
        # made once for nothing, so that what cannot be made takes no counter
        utrn.make(way.keystore, way.originator, device, amount_pence, utrn.COUNTER_STEP)
        counter = counters.next(way.originator, "topup")
        token = utrn.make(way.keystore, way.originator, device, amount_pence, counter)
        (warn if way.as_json or way.as_xml else write)(f"UTRN {token}")
        return counter, {"UTRN": token}
    highest = counters.highest(way.originator, "topup")
    _, counter = utrn.check(way.keystore, way.originator, device, token, highest=highest)
    if counter > highest:
        counters.use(way.originator, counter, "topup")
    return counter, {"UTRN": token}


def _way(
    port: str, keystore: Any, originator: str | None, pcap: Any, no_hub_time: bool, timeout_s: float, as_json: bool,
    as_xml: bool,
) -> Way:  # fmt: skip
    if as_json and as_xml:
        raise UsageError("--json and --xml are two ways to write one answer: choose one")
    store = open_keystore(keystore)
    return Way(port, store, choose_supplier(store, originator), pcap, not no_hub_time, timeout_s, as_json, as_xml)


def _ask(way: Way, variant: str, content: Content | Maker, empty: str = DONE) -> None:
    """Make a request, send it, print its answer (`empty` when it holds no values), and leave with its exit code."""
    from opensmets.cli.answers import open_talk

    talk = open_talk(way.port, way.keystore, way.pcap, hub_time=way.hub_time)
    waiting = working(f"{variant}: waiting for the device", quiet=True)
    with talk as (conversation, alerts), waiting as conversation.on_progress:
        answer = ask(conversation, way, variant, content)
    answer.alerts.extend(alerts)
    show(answer, as_json=way.as_json, as_xml=way.as_xml)
    if not way.as_json and not way.as_xml:
        _show_lines(answer, empty)
    raise typer.Exit(answer.exit_code)


def ask(conversation: Conversation, way: Way, variant: str, content: Content | Maker) -> Answer:
    """Make a request from values for the device at the port and return its answer. Raises SmetsError."""
    from opensmets.cli.answers import exchange
    from opensmets.cli.prepare import Choices, prepare
    from opensmets.duis.compose import Address, compose
    from opensmets.security.counters import Counters

    device = device_at(conversation, way.timeout_s)
    require_device_key(way.keystore, device)
    if callable(content):
        counter, values = content(device)
    else:
        counters, values = Counters(way.keystore.path), content
        rehearsal = compose(variant, values, Address(way.originator, device, counters.highest(way.originator) + 1))
        prepare(rehearsal, way.keystore, Choices(rehearse=True), lambda line: None)
        counter = counters.next(way.originator)
    document = compose(variant, values, Address(way.originator, device, counter))
    prepared = prepare(document, way.keystore, Choices(numbered=True), lambda line: None)
    return exchange(conversation, prepared, way.timeout_s)


def device_at(conversation: Conversation, timeout_s: float = DEFAULT_TIMEOUT_S) -> bytes:
    """Ask the device at the port who it is and return its EUI. Raises SmetsError when it is no meter yet, or silent."""
    from opensmets.bench.control import PROVISIONING, Caller, NoAnswer

    port = conversation.link.port
    try:
        known = Caller(conversation.link, PROVISIONING, conversation.take_frame)("who", timeout_s=timeout_s)
    except NoAnswer:
        raise SmetsError(
            f"{port}: no answer within {timeout_s:g} s: is the device running, and is this its port?"
        ) from None
    if not known["provisioned"]:
        raise SmetsError(f"the device at {conversation.link.port} is not provisioned: `smets device run` does that")
    return bytes.fromhex(known["eui"])


def _show_lines(answer: Answer, empty: str) -> None:
    lines = answer.lines()
    width = max((len(label) for label, _ in lines), default=0)
    for label, value in lines:
        pounds = f"  £{int(value) / MILLIPENCE:.2f}" if label == "MeterBalance" else ""
        write(f"{label:{width}}  {value}{pounds}")
    if not lines and answer.exit_code == 0:
        (warn if empty == DONE else write)(empty)
