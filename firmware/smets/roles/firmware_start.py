"""After the start of a device that has slots: the self-test of a firmware on trial, and a look at what runs.

Loaded then, once. What a trial is about stands in firmware_update.py.
"""

from micropython import const

from smets.cosem.table import READ, ObjectTable
from smets.message.alerts import AlertTable
from smets.message.authority import UseCaseTable
from smets.roles.image_news import hold
from smets.roles.integrity import EXECUTION, STORAGE, warn
from smets.update.self_test import SelfTestFailed, check_cryptography, check_slot, check_store
from smets.update.slots import CONFIRMED, FAILED, NONE, TRIAL, Slots

_VERIFIED = const(0x8F72)
_NOT_VERIFIED_AT_START = const(0x8F1B)
_ACTIVATE = const(0x0012)
_VERSION_OBIS = const(b"\x00\x00\x00\x02\x01\xff")
_WAITING = const("later/0012")


def after_start(device, meter):
    """Try the firmware that is on trial, or see that what runs is what was verified; a failure is an event."""
    slots = Slots(device.store)
    if slots.state == TRIAL:
        _end_trial(device, slots)
    elif slots.state == FAILED and device.journal.get(_WAITING):
        warn(meter, EXECUTION)
    elif slots.state in (CONFIRMED, FAILED) and not device.journal.get(_WAITING):
        slots.told()
    held = slots.untold()
    if held:
        hold(meter, _VERIFIED, *held)
        slots.settle()
    if slots.active != NONE and not device.starts_again:
        _check_running(slots, meter)
    meter.commit()


def _end_trial(device, slots):
    try:
        check_slot(slots, slots.tried)
        _feed(device.watchdog)
        check_cryptography()
        _feed(device.watchdog)
        check_store(device.journal)
        _check_tables(device.tables)
    except SelfTestFailed as failure:
        device.log("self-test: %s; back to the firmware of before" % failure)
        slots.end_trial(False)
        device.starts_again = True
        return
    slots.end_trial(True)


def _feed(watchdog):
    """A step of the self-test is over: each has the watchdog's time for itself, a hanging one ends the trial."""
    if watchdog:
        watchdog.feed()


def _check_tables(folder):
    """Raise SelfTestFailed unless the tables know what it takes to put this firmware out of use again."""
    try:
        use_cases, objects = UseCaseTable(folder + "/esme.use_cases"), ObjectTable(folder + "/esme.objects")
        good = use_cases.find(_ACTIVATE) is not None and objects.find(1, _VERSION_OBIS, 2, READ)
        good = good and AlertTable(folder + "/alerts").find(_VERIFIED)[1]
    except (OSError, ValueError):
        good = False
    if not good:
        raise SelfTestFailed("the tables are no longer readable")


def _check_running(slots, meter):
    try:
        check_slot(slots, slots.active)
    except SelfTestFailed:
        meter.record(_NOT_VERIFIED_AT_START)
        warn(meter, STORAGE)
