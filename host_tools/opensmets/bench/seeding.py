"""What state a meter must be in to answer a command as a reference response does, as operations on the bench channel.

Each item of the command names an attribute; its layout in the catalogue says which field of the meter model, or which
log, each value of the response comes from. The operations set those fields by their paths, append those rows, and make
the meter fail where the response shows a failure. Nothing is set as encoded octets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from opensmets.catalogue.layout_text import Layout
from opensmets.catalogue.objects import Right, right
from opensmets.catalogue.use_cases import Reference
from opensmets.errors import SmetsError
from opensmets.layouts.axdr import Data, decode
from opensmets.layouts.xdlms import AccessItem, AccessRequest, AccessResponse

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOW, NEVER = 0, 0xFFFFFFFF
_NOT_CARRIED_OUT = 250
_CLOCK, _TIME, _PRESET = 8, 2, 5
_DATA_PROTECTION = 30
_VERBS = {"get": "get", "range": "get", "set": "set", "action": "action"}
Operation = dict[str, Any]


class Unseedable(SmetsError):
    """A response cannot be had from the meter model: an object is not built, or a value is not of its layout."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """The `operations` in order, each a request on the bench channel, and the meter that they are for."""

    operations: tuple[Operation, ...]
    elements: int
    phases: int


def seeding(request: AccessRequest, response: AccessResponse, plaintexts: Sequence[bytes] = ()) -> Seeding:
    """Return how to bring a meter to answer `request` with `response`, whose sealed parts are `plaintexts`.

    The meter has one element and phase, unless only another has such values. Raises Unseedable when none has.
    """
    return _on_some_meter(plaintexts, lambda walk: walk.operations(request, response))


def sealed_seeding(target: Reference, plaintext: bytes) -> Seeding:
    """Return how to bring a meter to tell `plaintext`, one sealed attribute, in an alert. Raises as `seeding` does."""
    return _on_some_meter([plaintext], lambda walk: walk.sealed([target]))


def _on_some_meter(plaintexts: Sequence[bytes], operations: Callable[[_Walk], Iterator[Operation]]) -> Seeding:
    problem = Unseedable("the request has no items")
    for phases, elements in product((1, 3), (1, 2)):
        kind = {"twin" if elements == 2 else "single", "three_phase" if phases == 3 else "one_phase"}
        try:
            return Seeding(tuple(operations(_Walk(frozenset(kind), list(plaintexts)))), elements, phases)
        except Unseedable as error:
            problem = problem if (phases, elements) != (1, 1) else error
    raise problem


def moment(octets: bytes) -> int:
    """Return the `time_s` of a date-time of 12 octets; NOW and NEVER as GBCS has them.

    Raises Unseedable for wildcards, which no single moment has.
    """
    if octets[:9] in (bytes(9), b"\xff" * 9):
        return NOW if octets[0] == 0 else NEVER
    try:
        year, month, day, _, hour, minute, second = (int.from_bytes(octets[:2], "big"), *octets[2:8])
        when = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise Unseedable(f"{octets.hex()} is no moment") from None
    return (when - EPOCH) // timedelta(seconds=1)


def pack_bits(text: str) -> bytes:
    """Return a bit string as the meter has it: the number of bits (u16), then the bits, the first one highest."""
    octets = bytes(int(text[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(text), 8))
    return len(text).to_bytes(2, "big") + octets


#: How the meter has what A-XDR has otherwise (firmware/smets/cosem/layout.py).
_MODEL_VALUES: dict[str, Callable[[Any], Any]] = {
    "bool": bool, "bits": pack_bits, "date_time": moment, "visible": str.encode, "utf8": str.encode,
}  # fmt: skip


#: What the model's methods that do not work at any time need, so that they do: fields by path, and their values.
_NEEDS: dict[str, tuple[tuple[str, int], ...]] = {
    "account.activate_emergency_credit": (
        ("payment.mode", 2), ("payment.emergency_credit_limit_millipence", 1), ("payment.meter_balance_millipence", -1),
    ),
}  # fmt: skip


def _clock_time(request: AccessRequest, response: AccessResponse) -> int | None:
    """Return the clock's time that the response reads back, or None."""
    for item, data in zip(request.items, response.data, strict=True):
        if (item.verb, item.class_id, item.member) == ("get", _CLOCK, _TIME) and data.type == "octets":
            return moment(data.value)
    return None


def _json(value: Any) -> Any:
    """Return a value as the bench channel has it: octets in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    return [_json(one) for one in value] if isinstance(value, list | tuple) else value


class _Walk:
    """Walks responses along their layouts, on a meter of certain conditions."""

    def __init__(self, conditions: frozenset[str], plaintexts: list[bytes]) -> None:
        self._conditions, self._plaintexts = conditions, plaintexts

    def operations(self, request: AccessRequest, response: AccessResponse) -> Iterator[Operation]:
        """Yield the operations that the items want, in their order."""
        seen: Counter[tuple[int, bytes, int, bool]] = Counter()
        for item, argument, data, result in zip(
            request.items, request.data, response.data, response.results, strict=True
        ):
            target = item.class_id, item.obis, item.member, item.verb == "action"
            if result.code != _NOT_CARRIED_OUT:
                self._check_present(item)
            if result.code not in (0, _NOT_CARRIED_OUT):
                yield {
                    "do": "fault", "class": item.class_id, "obis": item.obis.hex(), "member": item.member,
                    "method": item.verb == "action", "after": seen[target], "result": result.code,
                }  # fmt: skip
            elif result.ok:
                yield from self._item(item, argument, data, _clock_time(request, response))
            seen[target] += 1

    def _check_present(self, item: AccessItem) -> None:
        """Raise Unseedable when this kind of meter has no such attribute or method, or the catalogue has not."""
        layout = _right(_VERBS[item.verb], Reference(item.class_id, item.obis, item.member)).layout
        if not layout.present(self._conditions):
            raise Unseedable(f"only another kind of meter has {next(layout.paths(), 'that')}")

    def _item(self, item: AccessItem, argument: Data, data: Data, clock_s: int | None) -> Iterator[Operation]:
        if item.verb in ("get", "range"):
            target = Reference(item.class_id, item.obis, item.member)
            yield from self._settings(_right("get", target).layout, data)
        elif item.verb == "action" and item.class_id == _DATA_PROTECTION:
            yield from self.sealed([Reference(each[0].value, each[1].value, each[2].value) for each in argument[0]])
        elif (item.verb, item.class_id, item.member) == ("action", _CLOCK, _PRESET):
            yield self._hub_inside(argument, clock_s)
        elif item.verb == "action":
            method = _right("action", Reference(item.class_id, item.obis, item.member)).layout.path
            for path, value in _NEEDS.get(method or "", ()):
                yield {"do": "set", "path": path, "value": value}

    def sealed(self, targets: Sequence[Reference]) -> Iterator[Operation]:
        """Yield the operations that the next sealed part, the values of `targets`, wants."""
        if not self._plaintexts:
            raise Unseedable("a sealed part was not decrypted: its keys are wanted")
        values = decode(self._plaintexts.pop(0))
        for target, data in zip(targets, values, strict=True):
            yield from self._settings(_right("protected", target).layout, data)

    def _hub_inside(self, argument: Data, clock_s: int | None) -> Operation:
        """Let the hub have the time that is read back, or one inside the interval in which the clock may be set."""
        start_s, end_s = moment(argument[1].value), moment(argument[2].value)
        inside = clock_s is not None and start_s <= clock_s <= end_s
        return {"do": "hub", "time_s": clock_s if inside else (start_s + end_s) // 2, "status": 0}

    def _settings(self, layout: Layout, data: Data) -> Iterator[Operation]:
        value = self._value(layout, data)
        if layout.type == "compact" and layout.path:
            for row in value:
                yield {"do": "append", "log": layout.path.removeprefix("logs."), "row": _json(row)}
        elif layout.path == "clock.time_s":
            yield {"do": "time", "set": value}
        elif layout.path:
            yield {"do": "set", "path": layout.path, "value": _json(value)}
        elif layout.children and layout.bound:
            for child, element in self._pairs(layout, data):
                yield from self._settings(child, element)

    def _value(self, layout: Layout, data: Data) -> Any:
        """Return the value that the model has for `data`; containers as lists, hidden columns as 0."""
        if data.type != ("octets" if layout.type == "date_time" else layout.type):
            raise Unseedable(f"{data.type} stands where the catalogue has {layout.type}")
        if layout.homogeneous:
            return [self._value(layout.children[0], element) for element in data]
        if layout.children:
            found = {id(child): self._value(child, element) for child, element in self._pairs(layout, data)}
            return [found.get(id(child), 0) for child in layout.children if child.wanting]
        value = _MODEL_VALUES.get(layout.type, lambda value: value)(data.value)
        if layout.constant is not None and value != layout.constant:
            raise Unseedable(f"{value!r} stands where the catalogue has {layout.constant!r}")
        return value

    def _pairs(self, layout: Layout, data: Data) -> list[tuple[Layout, Data]]:
        children = [child for child in layout.children if child.present(self._conditions)]
        if len(children) != len(data):
            raise Unseedable(f"{layout.type} of {len(data)} stands where the catalogue has {len(children)}")
        return list(zip(children, data, strict=True))


def _right(verb: str, target: Reference) -> Right:
    found = right(verb, target)
    if found is None:
        name = f"{target.class_id}/{target.obis.hex()}/{target.member}"
        raise Unseedable(f"the catalogue has no {verb} of {name} yet")
    return found
