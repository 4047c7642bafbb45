"""The meter: its components, what of them is on flash, and time, which is an argument. Its fields by path: paths.py.

`advance` cuts its step at every boundary that a component or the schedule names, at half hours and at midnights, so
that cutting time otherwise changes nothing. Components through which time does not flow are cold (cold.py): loaded when
a path names one, dropped by `release`.
"""

import sys

from micropython import const

from smets import on_demand
from smets.meter.clock import Clock
from smets.meter.events import Events
from smets.meter.fields import CHANGED, CLEAN
from smets.meter.load_limit import LoadLimit
from smets.meter.logs import Logs
from smets.meter.measurement import Measurement
from smets.meter.outage import Outage
from smets.meter.paths import Paths
from smets.meter.payment import LOOK_AT_ONCE, Payment
from smets.meter.registers import Registers
from smets.meter.schedule import Schedule
from smets.meter.supply import ENABLED, Supply
from smets.meter.tariff import Tariff
from smets.meter.voltage import Voltage

COMPONENTS = (Clock, Registers, Tariff, Supply, LoadLimit, Voltage, Payment, Outage)
"""In the order in which time passes for them."""
_EVENTS = "meter/events"
_HALF_HOUR_S = const(1800)
_SCARCE_BYTES = const(10240)
"""Free heap below which a component may not find the room for its logs and its code."""
_KEPT_ROWS = const(16)  # that wait in RAM for a commit before there is one for them
_FULL = const(8)  # the slots of kept_rows.py
_LAST_S = const(0xFFFFFFFE)
_TRIES = const(8)
DAY_S = const(86400)


class Meter(Paths):
    """A SMETS2 electricity meter.

    `journal` has `get(key)` and `put_many(pairs)`; `open_store` gives logs their stores (logs.py); `flags_of(code)` are
    the alert table's flags of an event code; `tokens` has `check(digits, by_hand, time_s)`, which returns (refusal code
    or 0, amount in pence, the token's number), and `used(number)`, the (key, value) that remembers it. `elements`,
    `phases` and `eui` are provisioned.
    """

    def __init__(self, journal, open_store, flags_of=None, tokens=None, elements=1, phases=1, eui=bytes(8)):
        self.journal = journal
        self.staged = {}
        self._cold: dict = {}
        self._kept = 0
        self.last_load = Measurement()
        self.tokens = tokens
        self.phases = phases
        self.eui = eui
        self._conditions = ("twin" if elements == 2 else "single", "three_phase" if phases == 3 else "one_phase")
        self.logs = Logs(open_store, self.has, journal)
        self.events = Events(self.logs, flags_of, self.stored)
        self._components: dict = {}
        for kind in COMPONENTS:
            self._components[kind.NAME] = kind(self)
        self.clock = self._components["clock"]
        self.supply = self._components["supply"]
        self.payment = self._components["payment"]
        self.tariff = self._components["tariff"]
        self.outage = self._components["outage"]
        self.voltage = self._components["voltage"]
        self.schedule = Schedule(self)
        self._undo = None
        self._failures = 0  # of steps of time, one after the other
        self._restore()

    # components

    @property
    def time_s(self):
        """The clock's time."""
        return self.clock.now_s()

    def has(self, condition):
        """Return whether the meter is `single`, `twin`, `one_phase` or `three_phase`."""
        return condition in self._conditions

    def component(self, name):
        """Return a component, a cold one loaded until `release`. Raises Unavailable when there is none."""
        found = self._components.get(name) or self._cold.get(name)
        if found is None:
            found = self._cold[name] = self.borrow(name)
        return found

    def borrow(self, name):
        """Return a component to be read only: a cold one that is not loaded lives as long as its borrower holds it."""
        found = self._components.get(name) or self._cold.get(name)
        if found is None:
            if "smets.meter.cold" not in sys.modules:
                on_demand.collect()  # so that what comes lies together
            from smets.meter import cold

            found = cold.load(self, name)
        return found

    def tell(self, name, field, at_once=False):
        """Tell every resident component that a field of the component `name` was set; `at_once`: readers know now."""
        for component in self._components.values():
            component.written(name, field, at_once)

    # time

    def advance(self, time_s, measurement):
        """Let time go on to `time_s`, to 2136 at most, under `measurement`, which held since; it never goes back."""
        time_s = min(time_s, _LAST_S)
        while self.time_s < time_s:
            self._keep_up()
            self._step(time_s, measurement)
        self._keep_up()
        self.commit()

    def _keep_up(self):
        """Work out the tariff anew, and act on the account's credit, when it is due: with what heap there is."""
        if len(self.logs.kept) > _KEPT_ROWS:
            self.commit()
        if self.logs.slot == _FULL:
            self.drop_cold()
            on_demand.call("smets.meter.kept_rows", "settle", self.logs)  # now that nothing else wants the heap
            self.logs.put_away()
        tariff, payment = self.tariff, self.payment
        if tariff.is_due(self.time_s) or payment.get("watch_millipence") == LOOK_AT_ONCE:
            self.commit()
            self.release()
            if tariff.is_due(self.time_s):  # `release` may have done it
                self._renew_tariff()
        if payment.is_due(self.time_s):
            payment.settle()
            self.make_room()

    def _step(self, time_s, measurement):
        """Pass the time to the next boundary, or to `time_s` if that is nearer."""
        now_s = self.time_s
        self.voltage.watch(now_s, measurement.voltage_dv)
        load = self._effective(measurement)
        next_s = min(time_s, now_s - now_s % _HALF_HOUR_S + _HALF_HOUR_S)
        due_s = self.schedule.next_boundary_s(now_s)
        next_s = next_s if due_s is None else min(next_s, due_s)
        for component in self._components.values():
            boundary_s = component.next_boundary_s(now_s, load)
            next_s = next_s if boundary_s is None else min(next_s, boundary_s)
        self._failures += 1  # until it is lived
        is_whole = next_s % _HALF_HOUR_S == 0 and self._failures <= _TRIES
        if is_whole or self.tariff.get("room_wh") <= load.import_w:
            self.begin()  # a half hour's rows, and the next block, are worked out with what heap there is then
        self._flow(now_s, next_s, load)
        if not is_whole:
            self._undo = None
        self._arrive_whole(next_s, load)
        self._failures = 0

    def _flow(self, now_s, next_s, load):
        """Let time pass for all components; when that fails after `begin`, it passed for none."""
        is_over = False
        try:
            for component in self._components.values():
                component.flow(now_s, next_s - now_s, load)
            self.clock.let("time_s", next_s)
            is_over = True
        finally:
            if not is_over:
                self.discard()

    def _arrive_whole(self, now_s, load):
        """Do what is due now. When it fails, a half hour that ends was not lived; after _TRIES time goes on anyhow."""
        is_over = False
        try:
            self._arrive(now_s, load)
            is_over = True
        finally:
            if not is_over and self._undo:
                self.discard()

    def _arrive(self, now_s, load):
        if self.schedule.is_due(now_s):
            self.logs.put_away()
            self.drop_cold()  # a tariff that becomes active wants the room, and so do the load controllers' calendars
            self.schedule.run_due(now_s)
        if now_s % _HALF_HOUR_S == 0:
            self.make_room()  # for logs that have a row now
        for component in self._components.values():
            component.arrive(now_s, load)
        if now_s % _HALF_HOUR_S:
            return
        self.make_room()
        for component in self._components.values():
            component.half_hour(now_s)
        if now_s % DAY_S == 0:
            for component in self._components.values():
                self.drop_cold()  # each wants the room that the one before took
                component.midnight(now_s)
        self.make_room()
        self.commit(True)

    def make_room(self):
        """Drop cold components where the heap is short of room for what comes next; for callers that hold none."""
        if on_demand.is_scarce(_SCARCE_BYTES):
            self.drop_cold()

    def _effective(self, measurement):
        """Return what really flows: nothing while the switch is open or there is no supply."""
        flows = self.supply.get("state") == ENABLED and self.has_supply()
        self.last_load.copy_powers(measurement if flows else None)
        self.last_load.voltage_dv = measurement.voltage_dv
        return self.last_load

    def hub_time(self, time_s, status):
        """Learn the communications hub's time and its status (0 reliable, 1 unreliable, 2 invalid)."""
        self.clock.hub_time(time_s, status)
        self.commit()

    def has_supply(self):
        """Return whether there is supply."""
        return not self.outage.is_complete()

    def power(self, on):
        """The supply is lost or comes back, now. All state is on flash when this returns."""
        if on:
            self.outage.end(self.time_s)
        else:
            self.outage.begin(self.time_s)
        self.commit(True)

    # events

    def record(self, code, body=b"", time_s=None, information=b"", measured=0):
        """Record an event of now, or of `time_s`: into its logs and the queue (events.py)."""
        self.events.record(code, self.time_s if time_s is None else time_s, body, information, measured)

    def take_event(self):
        """Return the oldest event that waits to be sent as (code, time_s, body), or None."""
        return self.events.take()

    # stored state

    def states(self):
        """Return octets that tell a change anywhere: every resident component's state, and how much else was kept."""
        states = [component.state() for component in self._components.values()]
        states.append(b"%d" % self._kept)
        return states

    def stage(self, key, value):
        """Let `commit` put a value of its own in the journal; None deletes it."""
        self.staged[key] = value

    def stored(self, key):
        """Return a value of its own as it will be after `commit`, or None."""
        return self.staged[key] if key in self.staged else self.journal.get(key)

    def commit(self, everything=False):
        """Put on flash what changed, if anything did more than flow, or `everything` (every half hour).

        It is one transaction and takes along what flows, so that energy, money and time on flash are of one moment.
        """
        if self.logs.kept:
            slot = on_demand.call("smets.meter.kept_rows", "stage", self)
        loaded = list(self._cold.values()) + list(self._components.values())
        unsaved = [component for component in loaded if component.unsaved != CLEAN]
        changed = everything or self.staged or any([component.unsaved == CHANGED for component in unsaved])
        saved = unsaved if changed else []
        for component in saved:
            self.staged.pop("meter/" + component.NAME, None)  # what it was when it was dropped last
        pairs = [("meter/" + component.NAME, component.state()) for component in saved]
        pairs.extend(self.staged.items())
        self._kept += len(self.staged) + len([None for component in saved if component.NAME in self._cold])
        if self.events.unsaved:
            pairs.append((_EVENTS, self.events.state()))
        if pairs:
            self.journal.put_many(pairs)
        if self.logs.kept:
            self.logs.kept, self.logs.slot = [], slot
        self._undo = None
        self.staged.clear()
        self.events.unsaved = False
        for component in saved:
            component.unsaved = CLEAN

    def begin(self):
        """Begin what is to be done wholly or not at all: `commit` ends it well, `discard` takes it back.

        What waited to be kept is put on flash first; raises what that raises, and then nothing was begun.
        """
        self.commit()
        undo = on_demand.fetch("smets.meter.undo", "Undo")
        self._undo = undo(tuple(self._components.values()), self.schedule, self.events)

    def discard(self):
        """Let the meter be what it was at `begin`, after a command that ended half way or could not be kept.

        Without a `begin`, what is staged and what cold components were told is forgotten.
        """
        self.staged.clear()
        self._cold.clear()
        if self._undo:
            self._undo.restore()
            self._undo = None
            self.logs.kept = []

    def release(self):
        """Drop from the heap what is wanted only now and then. What could not be put on flash yet stays.

        Then there is room for what follows from a command: of the tariff, and of the account.
        """
        self.logs.put_away()
        if self.drop_cold():
            if self.tariff.get("changed"):
                self._renew_tariff()
            if self.payment.is_due(self.time_s):
                self.payment.settle()
                self.commit()
                self.drop_cold()

    def _renew_tariff(self):
        self.tariff.renew(self.time_s)
        self.commit()
        self.drop_cold()

    def drop_cold(self, whole=True):
        """Drop cold components and return True, or False when something is not on flash yet.

        That is then staged as octets: a part that cannot be kept for want of heap must not hold the heap itself.
        Not `whole`: others are wanted next, what they share stays.
        """
        self.logs.release()
        for name, component in self._cold.items():
            if component.unsaved:
                self.staged["meter/" + name] = component.state()
        self._cold.clear()
        cold = sys.modules.get("smets.meter.cold")
        if cold:
            cold.forget(whole)
        return not self.staged

    def _restore(self):
        for name, component in self._components.items():
            packed = self.journal.get("meter/" + name)
            if packed is not None:
                component.restore(packed)
        on_demand.call("smets.meter.pending", "restore", self.schedule)
        self.events.restore(self.journal.get(_EVENTS) or b"")
