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

import struct
import sys
from binascii import crc32

from micropython import const

from smets import on_demand
from smets.meter.errors import OutOfRange, Unavailable
from smets.meter.fields import BOOL, Component, fits, unpack_from, width

MODULES = {
    "account": "smets.meter.account",
    "alert_settings": "smets.meter.alert_settings",
    "auxiliary": "smets.meter.auxiliary",
    "auxiliary_calendar": "smets.meter.auxiliary_calendar",
    "billing": "smets.meter.configuration",
    "billing_rows": "smets.meter.billing_rows",
    "calendar": "smets.meter.switching_table",
    "charges": "smets.meter.charges",
    "credit": "smets.meter.credit",
    "credit_watch": "smets.meter.credit_watch",
    "customer": "smets.meter.customer",
    "debts": "smets.meter.debts",
    "demand": "smets.meter.demand",
    "display": "smets.meter.panel",
    "firmware": "smets.meter.panel",
    "identity": "smets.meter.configuration",
    "load_control": "smets.meter.load_control",
    "meter_point": "smets.meter.customer",
    "non_disablement": "smets.meter.non_disablement",
    "power_threshold": "smets.meter.panel",
    "prices": "smets.meter.prices",
    "randomised_offset": "smets.meter.configuration",
    "second_calendar": "smets.meter.switching_table",
    "second_prices": "smets.meter.prices",
    "tamper_state": "smets.meter.configuration",
    "tariff_registers": "smets.meter.tariff_registers",
    "user_interface": "smets.meter.user_interface",
    "voltage_limits": "smets.meter.configuration",
}
"""The module of each cold component; its `COLD` names the components that it declares."""
_HELPERS = ("smets.meter.cold", "smets.meter.dates", "smets.meter.wildcards")
"""Modules that only cold ones import."""
MAX_NESTED = const(4096)
"""The most octets of a packed nested value, which is one value of the journal."""
_MAX_COUNT = const(0xFF)


def load(meter, name):
    """Return the component `name` of `meter` with the state that it has. Raises Unavailable when there is none."""
    module = MODULES.get(name)
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


def restored(meter, kind):
    """Return the component of the class `kind` of `meter` with the state that it has."""
    component = kind(meter)
    packed = meter.stored("meter/" + kind.NAME)
    if packed is not None:
        component.restore(packed)
    return component


def forget(whole=True):
    """Let go of the modules, if `whole` this one too; CPython has room and keeps them."""
    if sys.implementation.name == "micropython":
        on_demand.forget(MODULES.values())
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
        else:
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
        return super().unpack(name, packed) if nested is None else _unpacked(nested[1], packed, 0)[0]

    def check_packed(self, name, packed):
        """Raise OutOfRange or Unavailable when `adopt` would."""
        nested = self._nested(name)
        if nested is None:
            super().check_packed(name, packed)
        elif _end_of(nested[1], packed, 0) != len(packed):
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
            return _unpacked(shape, packed, 0)[0]
        return default[0] if default else _nothing(shape)

    def elements(self, name):
        """Return a field's value; a nested list as Elements, which take no more heap."""
        nested = self._nested(name)
        if nested is None or not isinstance(nested[1], list):
            return self.read(name)
        packed = self.meter.stored(self._key(name))
        return self.read(name) if packed is None else Elements(nested[1], packed)

    def packing(self, name):
        """Return a list to which a value is appended element by element; of a nested list, Elements that pack each."""
        nested = self._nested(name)
        return Elements(nested[1], bytearray(1)) if nested and isinstance(nested[1], list) else []

    def put_nested(self, name, value):
        """Set a nested field. Raises OutOfRange."""
        self.write(name, value)

    def _nested(self, name):
        for field in self.NESTED:
            if field[0] == name:
                return field
        return None

    def _key(self, name):
        return "nested/%08x" % crc32((self.NAME + "." + name).encode())

    def _packed_whole(self, nested, value, index):
        """Return a nested field packed as it is with `value`, or with `value` for its element `index`."""
        if index is not None:
            whole = self.get_nested(nested[0])
            self._element(nested[0], whole, index)
            whole = list(whole)
            whole[index] = value
            value = whole if isinstance(nested[1], list) else tuple(whole)
        elif isinstance(value, Elements) and value.shape is nested[1]:
            return bytes(value.packed)
        packed = bytearray()
        try:
            _pack(nested[1], value, packed)
        except OutOfRange:
            raise OutOfRange(self.NAME + "." + nested[0])
        return bytes(packed)

    def _element(self, name, value, index):
        if not isinstance(value, (list, tuple)) or index >= len(value):
            raise Unavailable("%s.%s has no element %d" % (self.NAME, name, index))
        return value[index]


class Elements:
    """The elements of a packed list: unpacked one by one as they are gone through, packed as they are appended."""

    def __init__(self, shape, packed):
        self.shape, self.packed = shape, packed

    def __len__(self):
        """Return how many elements there are."""
        return self.packed[0]

    def __iter__(self):
        """Yield the elements."""
        place = 1
        for _ in range(self.packed[0]):
            value, place = _unpacked(self.shape[1], self.packed, place)
            yield value

    def append(self, value):
        """Add an element. Raises OutOfRange."""
        if self.packed[0] >= min(self.shape[0], _MAX_COUNT):
            raise OutOfRange("nested value")
        _pack(self.shape[1], value, self.packed)
        self.packed[0] += 1


def _pack(shape, value, packed):
    """Append a value of a shape to a bytearray. Raises OutOfRange."""
    if isinstance(shape, (list, tuple)):
        _pack_elements(shape, value, packed)
    elif not fits(shape, value):
        raise OutOfRange("nested value")
    elif isinstance(shape, int):
        packed.append(len(value))
        packed.extend(value)
    elif shape[-1] == "s":
        packed.extend(value)
    else:
        packed.extend(struct.pack(">B" if shape == BOOL else shape, value))
    if len(packed) > MAX_NESTED:
        raise OutOfRange("nested value")


def _pack_elements(shape, value, packed):
    if not isinstance(value, (list, tuple)):
        raise OutOfRange("nested value")
    if isinstance(shape, list):
        most, element = shape
        if len(value) > min(most, _MAX_COUNT):
            raise OutOfRange("nested value")
        packed.append(len(value))
        for one in value:
            _pack(element, one, packed)
        return
    if len(value) != len(shape):
        raise OutOfRange("nested value")
    for element, one in zip(shape, value):
        _pack(element, one, packed)


def _unpacked(shape, packed, place):
    """Return (the value that `_pack` packed at `place`, where it ends)."""
    if isinstance(shape, (list, tuple)):
        values, elements = [], None if isinstance(shape, list) else shape
        count = packed[place] if elements is None else len(elements)
        place += 1 if elements is None else 0
        for index in range(count):
            value, place = _unpacked(elements[index] if elements else shape[1], packed, place)
            values.append(value)
        return (values if elements is None else tuple(values)), place
    size = packed[place] + 1 if isinstance(shape, int) else width(shape)
    return unpack_from(shape, packed, place), place + size


def _end_of(shape, packed, place):
    """Return where the value packed at `place` ends, nothing of it unpacked. Raises OutOfRange when it is no value."""
    if isinstance(shape, list):
        count, place = _octet(packed, place), place + 1
        if count > shape[0]:
            raise OutOfRange("nested value")
        for _ in range(count):
            place = _end_of(shape[1], packed, place)
        return place
    if isinstance(shape, tuple):
        for element in shape:
            place = _end_of(element, packed, place)
        return place
    if not isinstance(shape, int):
        return place + width(shape)
    if _octet(packed, place) > shape:
        raise OutOfRange("nested value")
    return place + 1 + packed[place]


def _octet(packed, place):
    if place >= len(packed):
        raise OutOfRange("nested value")
    return packed[place]


def _nothing(shape):
    """Return the default of a shape: an empty list, no octets, 0, and structures of them."""
    if isinstance(shape, tuple):
        return tuple([_nothing(element) for element in shape])
    if isinstance(shape, list):
        return []
    return b"" if isinstance(shape, int) else False if shape == BOOL else 0
