"""How alerts that answer no command are brought about: by what happens to the meter, not by asking for them."""

from __future__ import annotations

from collections.abc import Callable

from opensmets.bench.seeding import moment
from opensmets.catalogue.use_cases import use_case
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import COMMAND, Message
from opensmets.layouts.xdlms import AccessItem, AccessRequest, Notification
from opensmets.security import utrn
from opensmets.security.protection import sign_precommand

TOP_UP_PENCE = 1000
_DISABLE_SUPPLY = 52


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


def _short_outage(device: DeviceUnderTest, alert: Message, notification: Notification) -> None:
    device.bench("power", on=False)
    device.bench.advance_to(moment(notification.time_stamp) + 60)
    device.bench("power", on=True)


CAUSES: dict[int, Callable[[DeviceUnderTest, Message, Notification], None]] = {
    0x8F30: _unentitled_command,
    0x810E: _token_at_the_keypad,
    0x8F35: _short_outage,
    0x8F36: _outage,
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
