"""The interpreter of value layouts: what a layout says is read from the meter and written, or taken in and checked.

A layout is a row of nodes as host_tools/opensmets/catalogue/pack_objects.py packs them. `encode` and `decode` walk the
same nodes, so that what can be read back is what was set. The meter has numbers as ints, bools as truth values, texts
as octets, bit strings as their number of bits (u16) and then the bits, arrays and structures as lists and tuples.
"""

import struct

from micropython import const

from smets.cosem import axdr, dates
from smets.on_demand import fetch

_CONDITION = const(1)
_LIMITS = const(2)
_CONSTANT = const(4)
_PATH = const(8)
_PASSIVE = const(0x10)
_ACTIVATION = const(0x20)
_EACH = const(0x40)
_WANTING = const(0x80)
_DATE_TIME = const(25)
_CHOICE = const(31)
_CONDITIONS = ("single", "twin", "one_phase", "three_phase")
_TEXTS = (axdr.OCTETS, axdr.VISIBLE, axdr.UTF8, axdr.BITS)
_CONTAINERS = (axdr.ARRAY, axdr.STRUCTURE, axdr.COMPACT, _CHOICE)
_OPEN_END = const(0xFFFFFFFF)
_LONG = const(4096)
"""Octets of a list as it comes above which it is packed into `room`."""
_ROOM_BEHIND = const(2048)
"""Room in the answer that a list leaves to what is behind it."""


class Mismatch(ValueError):
    """A value is not of the type or within the limits that its layout states."""


class Node:
    """One node of a layout, read from `code` at `pos`. `body` is where its children start."""

    def __init__(self, code, pos):
        self.tag, self.flags, size = struct.unpack_from(">BBH", code, pos)
        self.end = pos + size
        pos += 4
        self.condition = self.low = self.constant = self.path = self.nodes = None
        if self.flags & _CONDITION:
            self.condition, pos = _CONDITIONS[code[pos]], pos + 1
        if self.flags & _LIMITS:
            shape, size = (">HH", 4) if self.tag in _TEXTS or self.tag in _CONTAINERS else (">ii", 8)
            (self.low, self.high), pos = struct.unpack_from(shape, code, pos), pos + size
        if self.flags & _CONSTANT and self.tag in _TEXTS:
            self.constant, pos = bytes(code[pos + 1 : pos + 1 + code[pos]]), pos + 1 + code[pos]
        elif self.flags & _CONSTANT:
            self.constant, pos = struct.unpack_from(">i", code, pos)[0], pos + 4
        if self.flags & _PATH:
            self.path, pos = bytes(code[pos + 1 : pos + 1 + code[pos]]).decode(), pos + 1 + code[pos]
        self.children = code[pos] if self.tag in _CONTAINERS else 0
        self.body = pos + 1

    def check(self, size):
        """Raise Mismatch when a number, or a length, is not within the limits."""
        if self.low is not None and not self.low <= size <= self.high:
            raise Mismatch("limits")


class LayoutCodec:
    """Encodes and decodes values of `meter`.

    It has read, elements, packing, write, check, call, log, passive, set_passive, activation and has (meter/model.py).
    """

    def __init__(self, meter):
        self._meter = meter
        self._code = b""
        self._date = bytearray(dates.SIZE)
        self._from_s, self._to_s = 0, _OPEN_END
        self._changes = []
        self._list = None  # the list whose elements are being taken in
        self.room = None  # a bytearray for a long list, made before the heap is full of what a long command brings in

    def is_present(self, code):
        """Return whether the layout's condition holds on this meter."""
        return self._present(Node(code, 0))

    # reading

    def encode(self, code, sink, from_s=0, to_s=_OPEN_END):
        """Write the value that the layout `code` describes. Rows of logs are those with `from_s` <= time <= `to_s`.

        Raises what the meter raises, and SinkFull.
        """
        self._code, self._from_s, self._to_s = code, from_s, to_s
        self._encode(Node(code, 0), None, sink, True)

    def _encode(self, node, given, sink, tagged):
        """Write one node. `given` is its value where the node before it has it; compact rows are not `tagged`."""
        tag = axdr.OCTETS if node.tag == _DATE_TIME else node.tag
        if tagged:
            sink.byte(tag)
        if tag == axdr.COMPACT:
            self._encode_compact(node, sink)
        elif tag in _CONTAINERS:
            self._encode_elements(node, self._value(node, given), sink, tagged)
        elif node.tag != axdr.NULL:
            self._encode_leaf(node, self._value(node, given), sink)

    def _value(self, node, given):
        if node.constant is not None:
            return node.constant
        if node.path is None:
            return given
        if node.flags & _PASSIVE:
            return self._meter.passive(node.path)
        if node.flags & _ACTIVATION:
            return self._meter.activation(node.path)
        return self._meter.elements(node.path) if node.flags & _EACH else self._meter.read(node.path)

    def _encode_leaf(self, node, value, sink):
        if node.tag == _DATE_TIME:
            dates.encode(value, self._date)
            value = self._date
        if node.tag == axdr.BITS:
            axdr.write_length(sink, value[0] << 8 | value[1])
            sink.write(value[2:])
        elif node.tag in _TEXTS or node.tag == _DATE_TIME:
            axdr.write_length(sink, len(value))
            sink.write(value)
        else:
            axdr.write_number(sink, node.tag, value)

    def _encode_elements(self, node, value, sink, tagged):
        if node.flags & _EACH:
            if tagged:
                axdr.write_length(sink, len(value))
            self._encode_list(self._nodes(node)[0], value, sink, tagged)
            return
        if tagged:
            axdr.write_length(sink, self._count(node))
        index = 0
        for child in self._nodes(node):
            given = None
            if child.flags & _WANTING:
                given = value[index]
                index += 1
            if self._present(child):
                self._encode(child, given, sink, tagged)

    def _encode_list(self, child, elements, sink, tagged):
        """Write elements; those of a long list are written when they are sent, where the sink allows it."""
        if sink.late is not None and getattr(elements, "is_long", False):
            late = fetch("smets.cosem.late_list", "LateList")(self, child, elements)
            if late.size > sink.limit - sink.pos - _ROOM_BEHIND:
                sink.late.append([sink.pos, late])
                return
        for element in elements:
            self._encode(child, element, sink, tagged)

    def _encode_compact(self, node, sink):
        """Write a log's rows; those that do not fit are written when they are sent, where the sink allows it."""
        child = self._nodes(node)[0]
        self._describe(child, sink)
        mark = sink.begin_length()
        log = self._meter.log(node.path)
        places = log.places(self._from_s, self._to_s)
        width = self._width(child)
        if width and len(places) * width > sink.limit - sink.pos and sink.late is not None:
            rows = fetch("smets.cosem.late", "LateRows")(self, self._meter, node.path, child, places, width)
            sink.late.append([sink.pos, rows])
        else:
            for place in places:
                self._encode(child, log.values(place), sink, False)
        sink.end_length(mark)

    def encode_element(self, node, value, sink, tagged):
        """Write one more element of an array, or not `tagged` of a compact one, of which one was written before."""
        self._encode(node, value, sink, tagged)

    def _width(self, node):
        """Return the octets of a row's value where they are always as many, else 0."""
        if node.tag == _DATE_TIME:
            return 1 + dates.SIZE
        if node.tag == axdr.STRUCTURE:
            widths = [self._width(child) for child in self.parts(node)]
            return sum(widths) if all(widths) else 0
        if node.tag == axdr.ARRAY:
            return node.high * self._width(self._nodes(node)[0])
        return axdr.size_of(node.tag) or 0

    def _describe(self, node, sink):
        """Write the type description of a compact array's row."""
        sink.byte(axdr.OCTETS if node.tag == _DATE_TIME else node.tag)
        if node.tag == axdr.STRUCTURE:
            axdr.write_length(sink, self._count(node))
            for child in self._nodes(node):
                if self._present(child):
                    self._describe(child, sink)
        elif node.tag == axdr.ARRAY:
            axdr.write_number(sink, axdr.U16, node.high)
            self._describe(self._nodes(node)[0], sink)

    # taking in

    def decode(self, code, reader):
        """Take in the data at `reader` and write it to where `code` says: all of it or, if any is wrong, none.

        Returns the activation times that it held, a list of (path, time_s). Raises AxdrError or Mismatch for data of
        another type or out of limits, and what the meter raises.
        """
        self._code, self._changes, self._list = code, [], None
        try:
            node = Node(code, 0)
            value = self._decode(node, reader)
            if reader.pos != reader.end:
                raise axdr.AxdrError("data after the value")
            self._bind(node, value)
            changes = self._changes
        finally:
            self._changes, self._list = [], None  # a long value must not be held for longer than it is wanted
        for flags, path, value in changes:
            if not flags & _ACTIVATION:
                self._meter.check(path, value)
        return [(path, value) for flags, path, value in changes if self._apply(flags, path, value)]

    def take_argument(self, code, reader):
        """Take in a method's argument; return (path of the method, its argument). Raises as `decode`."""
        self._code, self._changes, self._list = code, [], None
        node = Node(code, 0)
        return node.path, self._decode(node, reader)

    def _decode(self, node, reader):
        if node.tag == _CHOICE:
            return self._decode_one_of(node, reader)
        tag = axdr.OCTETS if node.tag == _DATE_TIME else node.tag
        reader.expect(tag)
        if tag == axdr.COMPACT:
            raise Mismatch("compact")
        if tag in _CONTAINERS:
            return self._decode_elements(node, reader)
        if node.tag == _DATE_TIME:
            return _moment(reader)
        value = self._decode_leaf(node, reader)
        if node.constant is not None and value != node.constant:
            raise Mismatch("constant")
        return value

    def _decode_leaf(self, node, reader):
        if node.tag not in _TEXTS:
            value = reader.scalar(node.tag)
            node.check(value)
            return value
        size = reader.length()
        node.check(size)
        if node.tag == axdr.BITS:
            return bytes((size >> 8, size & 0xFF)) + bytes(reader.take((size + 7) // 8))
        return bytes(reader.take(size))

    def _decode_one_of(self, node, reader):
        """Take in the child of a choice whose type comes, and bind it."""
        tag = reader.byte()
        reader.pos -= 1
        for child in self._nodes(node):
            if tag == (axdr.OCTETS if child.tag == _DATE_TIME else child.tag):
                self._bind(child, self._decode(child, reader))
                return
        raise Mismatch("choice")

    def _decode_elements(self, node, reader):
        count = reader.count()
        if node.flags & _EACH:
            node.check(count)
            return self._decode_list(node, count, reader)
        if count != self._count(node):
            raise Mismatch("elements")
        values = []
        for child in self._nodes(node):
            if self._present(child):
                value = self._decode(child, reader)
                self._bind(child, value)
                if child.flags & _WANTING:
                    values.append(value)
            elif child.flags & _WANTING:
                values.append(0)
        return tuple(values)

    def _decode_list(self, node, count, reader):
        """Take in elements into a list that packs them, if the meter has one for them; so for a list in a list."""
        before, child = self._list, self._nodes(node)[0]
        if node.path:
            room = None
            if reader.end - reader.pos > _LONG:
                room, self.room = self.room, None
            component, name, index = self._meter.resolve(node.path)
            values = component.packing(name, room) if index is None and hasattr(component, "packing") else []
        else:
            values = before.inner() if hasattr(before, "inner") else []  # type: ignore[union-attr]
        self._list = values
        for _ in range(count):
            values.append(self._decode(child, reader))
        self._list = before
        return values

    def _bind(self, node, value):
        if node.path is not None:
            self._changes.append((node.flags, node.path, value))

    def _apply(self, flags, path, value):
        """Make one change; return whether it is an activation time, which is for the caller to act upon."""
        if flags & _ACTIVATION:
            return True
        if flags & _PASSIVE:
            self._meter.set_passive(path, value)
        else:
            self._meter.write(path, value)
        return False

    # nodes

    def _nodes(self, node):
        """Return the children of a node, read once: a row's are wanted for every row."""
        if node.nodes is None:
            node.nodes, pos = [], node.body
            for _ in range(node.children):
                node.nodes.append(Node(self._code, pos))
                pos = node.nodes[-1].end
        return node.nodes

    def _present(self, node):
        return node.condition is None or self._meter.has(node.condition)

    def _count(self, node):
        return len(self.parts(node))

    def parts(self, node):
        """Return the children of a node that this meter has. Those of a layout in use only, or read already."""
        return [child for child in self._nodes(node) if self._present(child)]


def _moment(reader):
    try:
        return dates.decode(reader.take(reader.length()))
    except ValueError as error:
        raise Mismatch(str(error))
