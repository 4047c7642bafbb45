"""The rooms of an electricity meter that is provisioned are put together: the metering model, and what speaks for it.

Apart from `start` so that a device that is still to be provisioned has room for the certificates that it gets.
"""

from smets.cosem.access import AccessService
from smets.cosem.table import ObjectTable
from smets.message.alerts import Alerts, AlertTable
from smets.message.authority import UseCaseTable
from smets.message.counters import Counters
from smets.message.handler import Handler
from smets.message.protection import Protection
from smets.message.reporting import Reporting
from smets.message.station import Station
from smets.meter.model import Meter
from smets.on_demand import Later
from smets.store.files import StoreCorrupt


def build(device, identity):
    """Return (meter, handler, reporting, bench or None) of a device. Nothing of this module is kept by them."""
    bench = _bench(device)
    faults = bench and bench.faults
    counters = Counters(device.journal)
    protection = Protection(device.anchors, device.keys)
    alert_table = AlertTable(device.tables + "/alerts")
    tokens = Later("smets.message.utrn", "UtrnChecker", device.journal, device.anchors, identity.eui)
    meter = Meter(
        device.journal, device.open_log, alert_table.flags, tokens, identity.elements, identity.phases, identity.eui
    )
    meter.logs.code += "smets.roles.log_stores", "smets.store.segments", "smets.store.listing"
    alerts = Alerts(alert_table, device.anchors, protection, counters, identity.eui, device.send_message)
    station = Station(
        identity.eui, device.journal, device.keys, device.anchors, counters, meter.clock.now_s, None,
        meter, faults, Later("smets.roles.firmware_update", "Firmware", device, meter),
    )  # fmt: skip
    objects = ObjectTable(device.tables + "/esme.objects")
    service = AccessService(objects, meter, faults, (OSError, StoreCorrupt))
    use_cases = UseCaseTable(device.tables + "/esme.use_cases")
    handler = Handler(station, use_cases, protection, alerts, service, device.writer)
    reporting = Reporting(meter, station, service, protection, alerts, device.announce)
    return meter, handler, reporting, bench


def _bench(device):
    if not device.with_bench:
        return None
    from smets.bench.setting import Setting

    return Setting(device.speed)
