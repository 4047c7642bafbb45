"""How alerts that answer no command are brought about: by what happens to the meter, not by asking for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta

from opensmets.bench.seeding import EPOCH, Seeding, moment, sealed_seeding
from opensmets.catalogue.use_cases import Item, Reference, use_case
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.layouts.xdlms import AccessItem, AccessRequest, Notification
from opensmets.security import utrn
from opensmets.security.protection import sign_precommand
from opensmets.transform.moments import date_time_octets

TOP_UP_PENCE = 1000
_DISABLE_SUPPLY = 52
_FULL = 100
#: Supply restored (ECS80), the whole or each phase of it.
_OUTAGES, _PHASES_OUTAGES = (0x8F35, 0x8F36), range(0x8F37, 0x8F3D)
_BILLING_LOG = Reference(7, bytes.fromhex("0000620100ff"), 2)
_DAY_S = 86400


def _unentitled_command(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Let the network operator, well signed, try to disable the supply (ECS43), which only a supplier may."""
    entry = use_case("ECS43")
    target = entry.items[0].target
    counter = 1
    item = AccessItem("action", target.class_id, target.obis, target.member)
    request = AccessRequest(0x20000000 | counter, (item,), (Data("u16", _DISABLE_SUPPLY),))
    operator = device.keystore.by_role("network_operator")[0].eui
    command = Message(COMMAND, counter, operator, alert.originator, entry.message_code, request.encode())
    signed = sign_precommand(envelope.encode(command), device.keystore)
    device.send([device.with_mac(envelope.decode(signed))])


def _token_at_the_keypad(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Key in a UTRN of the supplier's."""
    token = utrn.make(device.keystore, alert.recipient, alert.originator, TOP_UP_PENCE, utrn.COUNTER_STEP)
    device.bench("keys", digits=token)


def _outage(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Take the supply away from the meter at the first of the alert's times and give it back at the second."""
    start_s, end_s = (moment(part.value) for part in notification.extra)
    device.bench.set_time(start_s)
    device.bench("power", on=False)
    device.bench.advance_to(end_s)
    device.bench("power", on=True)


def _send_signed(
    device: DeviceUnderTest, name: str, parties: tuple[bytes, bytes], counter: int, arguments: dict[str, Data]
) -> None:
    """Send a signed command of a use case: `parties` are originator and device, `arguments` go to its own items."""
    entry = use_case(name)
    chosen = [item for item in entry.items if _object_name(item) in arguments]
    items = tuple(AccessItem(item.verb, item.target.class_id, item.target.obis, item.target.member) for item in chosen)
    data = tuple(arguments[_object_name(item)] for item in chosen)
    request = AccessRequest(0x20000000 | counter, items, data)
    command = Message(COMMAND, counter, *parties, entry.message_code, request.encode())
    device.send([device.with_mac(envelope.decode(sign_precommand(envelope.encode(command), device.keystore)))])


def _object_name(item: Item) -> str:
    return ".".join(str(octet) for octet in item.target.obis[2:5] + item.target.obis[5:].strip(b"\xff"))


def _hold_level(device: DeviceUnderTest, alert: Message, script: int, start_s: int) -> None:
    """Let the supplier command a level for a day (ECS47a)."""
    controller = 116 + (script >> 8 & 15)
    arguments = {
        f"94.44.{controller}.1": _date_time(start_s), f"94.44.{controller}.2": _date_time(start_s + _DAY_S),
        "10.0.103": Data("u16", script),
    }  # fmt: skip
    _send_signed(device, "ECS47a", (alert.recipient, alert.originator), 1, arguments)


def _limit_level(device: DeviceUnderTest, alert: Message, script: int, times: tuple[Data, Data]) -> None:
    """Let the load controller limit a level between two times (ECS47e)."""
    controller = 116 + (script >> 8 & 15)
    arguments = {
        f"94.44.{controller}.3": times[0], f"94.44.{controller}.4": times[1], "10.0.107": Data("u16", script)
    }  # fmt: skip
    load_controller = device.keystore.by_role("load_controller")[0].eui
    _send_signed(device, "ECS47e", (load_controller, alert.originator), 2, arguments)


def _limit(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Command the full level, then limit it to the one that the alert tells of, in its time."""
    controller, start, end, level = notification.extra
    _hold_level(device, alert, controller.value << 8 | _FULL, moment(start.value))
    _limit_level(device, alert, controller.value << 8 | level.value, (start, end))


def _limit_over(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Command the level that the alert tells of, limit it to nothing for a minute, and let that pass."""
    controller, level = notification.extra
    start_s = moment(notification.time_stamp)
    _hold_level(device, alert, controller.value << 8 | level.value, start_s)
    _limit_level(device, alert, controller.value << 8, (_date_time(start_s), _date_time(start_s + 60)))
    device.bench.advance_to(start_s + 60)


def _operational_update(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Let a controlled load report its levels; the wire to it is the bench, which has no other."""
    told = json.loads(notification.extra[0].value)
    levels = bytes(int(told[name]) for name in ("outputState", "inputState"))
    device.bench("event", code=notification.alert_code, body=(levels + told["other-data"].encode()).hex())


def _billing_logged(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Let the meter find its billing data log updated; the row is there already (`state`)."""
    device.bench("event", code=notification.alert_code)


def state(alert: Message, plaintexts: Sequence[bytes]) -> Seeding:
    """Return what a meter must have before it sends an alert whose sealed parts are `plaintexts`. Raises Unseedable."""
    if plaintexts:
        return sealed_seeding(_BILLING_LOG, plaintexts[0])
    of_a_phase = can_cause("", alert) and xdlms.decode_notification(alert.payload).alert_code in _PHASES_OUTAGES
    return Seeding((), 1, 3 if of_a_phase else 1)


def _date_time(time_s: int) -> Data:
    return Data("octets", date_time_octets(EPOCH + timedelta(seconds=time_s)))


def _event_with_octets(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    """Let the event happen at the model with the alert's octets: no image has the hash that a reference made up."""
    (octets,) = notification.extra
    device.bench("event", code=notification.alert_code, body=octets.value.hex())


CAUSES: dict[int, Callable[[DeviceUnderTest, Message, Notification], None]] = {
    0x8F30: _unentitled_command,
    0x8F0A: _billing_logged,
    0x810E: _token_at_the_keypad,
    **dict.fromkeys((*_OUTAGES, *_PHASES_OUTAGES), _outage),
    0x8F86: _limit,
    0x8F87: _limit_over,
    0x8F88: _operational_update,
    0x8F72: _event_with_octets,
    0x8F1C: _event_with_octets,
    0x81A0: _event_with_octets,
}
#: The use cases of alerts whose other codes are raised by the bench as events of the meter.
EVENT_ALERTS = ("GCA-DLMS", "GNCA-DLMS")


def can_cause(name: str, alert: Message) -> bool:
    """Return whether the alert of a use case can be brought about yet."""
    if alert.payload[0] != xdlms.DATA_NOTIFICATION:
        return False
    return name in EVENT_ALERTS or xdlms.decode_notification(alert.payload).alert_code in CAUSES


def cause(device: DeviceUnderTest, alert: Message) -> None:
    """Bring about the event that a reference alert tells of. Raises Mismatch when the device does not take it."""
    notification = xdlms.decode_notification(alert.payload)
    bring_about = CAUSES.get(notification.alert_code)
    if bring_about:
        bring_about(device, alert, notification)
    elif notification.extra:
        raise Mismatch(f"nothing brings about the alert {notification.alert_code:04X} with its additional data")
    else:
        device.bench("event", code=notification.alert_code)
