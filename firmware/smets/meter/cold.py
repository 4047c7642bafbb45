"""Cold components: parts of the meter that are in the heap only while a command, the bench or a boundary needs them.

The meter loads one by its name, with its module and its state, and drops both again with `release`. Besides the typed
fields of any component they have nested ones, declared as `NESTED`, a tuple of `(name, shape[, default])`. A shape is

    ">H", BOOL ...      a number or truth value, as in fields.py
    12                  octets of at most that many
    "4s"                octets of exactly that many, which take no more than that
    [16, shape]         a list of at most so many elements
    (shape, shape)      a structure

Each nested field is packed into a journal value of its own and unpacked when it is read: a calendar that nobody asks
for takes no heap. What it takes at most is the journal's longest value.
"""

import sys
from binascii import crc32

from smets import on_demand
from smets.meter.errors import OutOfRange, Unavailable
from smets.meter.fields import Component

MODULES = """
smets.meter.account=account
smets.meter.alert_settings=alert_settings
smets.meter.auxiliary=auxiliary
smets.meter.auxiliary_calendar=auxiliary_calendar
smets.meter.billing=billing
smets.meter.billing_rows=billing_rows
smets.meter.charges=charges
smets.meter.consumption=consumption
smets.meter.configuration=identity,tamper_state,voltage_limits
smets.meter.credit=credit
smets.meter.credit_watch=credit_watch
smets.meter.customer=customer,meter_point
smets.meter.debts=debts
smets.meter.demand=demand
smets.meter.load_control=load_control
smets.meter.non_disablement=non_disablement
smets.meter.panel=display,firmware,power_threshold
smets.meter.prices=prices,second_prices
smets.meter.randomised_offset=randomised_offset
smets.meter.switching_table=calendar,second_calendar
smets.meter.tariff_registers=tariff_registers
smets.meter.user_interface=user_interface
"""
"""The modules with cold components, one a line: its dotted name, and the components.

One text, because a dict of paths would take 2 KB of heap with every cold component.
"""
_HELPERS = ("smets.meter.cold", "smets.meter.nested", "smets.meter.wildcards")
"""Modules that only cold ones import."""


def load(meter, name):
    """Return the component `name` of `meter` with the state that it has. Raises Unavailable when there is none."""
    module = _module_of(name)
    if module is None:
        raise Unavailable("the meter has no " + name)
    on_demand.collect()  # so that what comes lies together
    try:
        __import__(module)
    except ImportError:
        raise Unavailable("this image was built without " + name)
    for kind in sys.modules[module].COLD:
        if name == kind.NAME:
            return restored(meter, kind)
    raise Unavailable("the meter has no " + name)


def _module_of(name):
    """Return the dotted name of the module that declares a component, None when there is none."""
    for line in MODULES.split():
        module, _, names = line.partition("=")
        if name in names.split(","):
            return module
    return None


def _values():
    """Return the module that packs nested values: loaded when one is read or set, dropped with this one."""
    from smets.meter import nested

    return nested


def restored(meter, kind):
    """Return the component of the class `kind` of `meter` with the state that it has."""
    component = kind(meter)
    packed = meter.stored("meter/" + kind.NAME)
    if packed is not None:
        component.restore(packed)
    return component


def forget(whole=True):
    """Let go of the modules, if `whole` this one too."""
    on_demand.forget([line.partition("=")[0] for line in MODULES.split()])
    if whole:
        on_demand.forget(_HELPERS)


class ColdComponent(Component):
    """A component with nested fields. Plain ones without them may be cold too."""

    NESTED: tuple = ()

    def read(self, name, index=None):
        """Return a field's value, of a nested one lists and tuples; `index` is of a list. Raises Unavailable."""
        nested = self._nested(name)
        if nested is None:
            return super().read(name, index)
        value = self.get_nested(name)
        return value if index is None else self._element(name, value, index)

    def check(self, name, value, index=None):
        """Raise OutOfRange or Unavailable when `write` would."""
        nested = self._nested(name)
        if nested is None:
            super().check(name, value, index)
        elif not self._is_packed(nested, value):
            self._packed_whole(nested, value, index)

    def write(self, name, value, index=None):
        """Set a field, or one element of a list. Raises as `check`, and then nothing changed."""
        nested = self._nested(name)
        if nested is None:
            super().write(name, value, index)
        else:
            self.meter.stage(self._key(name), self._packed_whole(nested, value, index))

    def pack(self, name, value):
        """Return a whole field's value as octets. Raises OutOfRange or Unavailable."""
        nested = self._nested(name)
        return super().pack(name, value) if nested is None else self._packed_whole(nested, value, None)

    def unpack(self, name, packed):
        """Return the value that `pack` packed."""
        nested = self._nested(name)
        return super().unpack(name, packed) if nested is None else _values().unpacked(nested[1], packed, 0)[0]

    def check_packed(self, name, packed):
        """Raise OutOfRange or Unavailable when `adopt` would."""
        nested = self._nested(name)
        if nested is None:
            super().check_packed(name, packed)
        elif _values().end_of(nested[1], packed, 0) != len(packed):
            raise OutOfRange(self.NAME + "." + name)

    def adopt(self, name, packed):
        """Set a whole field to the value that `pack` packed, of a nested one the octets as they are."""
        if self._nested(name) is None:
            super().adopt(name, packed)
            return
        self.check_packed(name, packed)
        self.meter.stage(self._key(name), packed)

    def get_nested(self, name):
        """Return a nested field's value, its default when it was never set."""
        _, shape, *default = self._nested(name)
        packed = self.meter.stored(self._key(name))
        if packed is not None:
            return _values().unpacked(shape, packed, 0)[0]
        if default:
            return default[0]
        return [] if isinstance(shape, list) else _values().nothing(shape)  # what was never set is asked each half hour

    def elements(self, name):
        """Return a field's value; a nested list as Elements, which take no more heap."""
        nested = self._nested(name)
        if nested is None or not isinstance(nested[1], list):
            return self.read(name)
        key = self._key(name)
        value = None if key in self.meter.staged else self.meter.journal.view(key)
        if value:
            return _values().StoredElements(nested[1], value)
        packed = self.meter.stored(key)
        return self.read(name) if packed is None else _values().Elements(nested[1], packed)

    def packing(self, name, room):
        """Return a list for elements to be appended to: of a nested list a Packing, in `room` (bytearray) or parts."""
        nested = self._nested(name)
        return _values().Packing(nested[1], room) if nested and isinstance(nested[1], list) else []

    def forget_nested(self, name):
        """Let a nested field have its default again."""
        self.meter.stage(self._key(name), None)

    def _nested(self, name):
        for field in self.NESTED:
            if field[0] == name:
                return field
        return None

    def _key(self, name):
        return "nested/%08x" % crc32((self.NAME + "." + name).encode())

    def _packed_whole(self, nested, value, index):
        """Return a nested field packed as it is with `value`, or with `value` for its element `index`."""
        on_demand.collect()  # what is packed stays: behind garbage it would cut the free heap in two
        if index is not None:
            whole = self.get_nested(nested[0])
            self._element(nested[0], whole, index)
            whole = list(whole)
            whole[index] = value
            value = whole if isinstance(nested[1], list) else tuple(whole)
        elif self._is_packed(nested, value):
            return value.octets()
        packed = bytearray()
        try:
            _values().pack(nested[1], value, packed)
        except OutOfRange:
            raise OutOfRange(self.NAME + "." + nested[0])
        return bytes(packed)

    def _is_packed(self, nested, value):
        return isinstance(value, _values().Packing) and value.shape is nested[1]

    def _element(self, name, value, index):
        if not isinstance(value, (list, tuple)) or index >= len(value):
            raise Unavailable("%s.%s has no element %d" % (self.NAME, name, index))
        return value[index]
