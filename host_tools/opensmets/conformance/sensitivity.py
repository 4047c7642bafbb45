"""Level 4, the other half: the answer comes from the model. One value changed changes it there; a restart nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opensmets.bench.seeding import Operation, moment
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.axdr import Compact, Data, decode
from opensmets.layouts.envelope import Message
from opensmets.security.protection import sign_precommand, verify
from opensmets.security.sensitive import sealed_parts

#: Fields of one scenario that are changed, one at a time.
MOST_CHANGES = 8
_ENCRYPTION_FLAG = b"\x04"
DATA_PROTECTION = 30
_DATE_TIME_SIZE = 12
#: Fields from which the meter computes another one of the same answer.
_FOLLOWED = ("randomised_offset.number", "randomised_offset.limit_s")
#: Octets of the security header before a sealed part.
SEAL = 5


def renumbered(device: DeviceUnderTest, command: Message, counter: int) -> bytes:
    """Return a command again with another counter, where it stands in the payload too, signed and MACed anew."""
    before, after = (_ENCRYPTION_FLAG + number.to_bytes(8, "big") for number in (command.counter, counter))
    request = xdlms.decode_request(command.payload.replace(before, after))
    payload = replace(request, invoke_id=0x20000000 | counter & 0xFFFFFF).encode()
    fresh = replace(command, counter=counter, payload=payload, signature=None, mac=None, raw=b"")
    if command.signature:
        return device.with_mac(envelope.decode(sign_precommand(envelope.encode(fresh), device.keystore)))
    return device.with_mac(replace(fresh, signature=b""))


def only_reads(command: Message) -> bool:
    """Return whether a command changes nothing, so that asking again must give the same."""
    if command.payload[0] != xdlms.ACCESS_REQUEST:
        return False
    items = xdlms.decode_request(command.payload).items
    return all(item.verb in ("get", "range") or item.class_id == DATA_PROTECTION for item in items)


def _leaves(data: Data) -> Iterator[Any]:
    if isinstance(data.value, Compact):
        for row in data.value.rows:
            yield from _leaves(row)
    elif isinstance(data.value, tuple):
        for element in data.value:
            yield from _leaves(element)
    else:
        yield data.value


def _values(device: DeviceUnderTest, response: Message) -> list[Any]:
    """Return every value that a response tells, in order; what was sealed comes last."""
    verdict = verify(response, device.keystore)
    if not verdict.authentic or verdict.why:
        raise Mismatch(f"an answer asked for again is not authentic: {'; '.join(verdict.why)}")
    clear = [value for data in xdlms.decode_response(response.payload).data for value in _leaves(data)]
    sealed = {part.octets for part in sealed_parts(response)}
    shown = [value for value in clear if not (isinstance(value, bytes) and value[SEAL:] in sealed)]
    numbers = (_ENCRYPTION_FLAG + response.counter.to_bytes(8, "big"),)  # the transaction id follows the counter
    shown = [value for value in shown if value not in numbers]
    return shown + [value for octets in verdict.decrypted for value in _leaves(decode(octets))]


class Asker:
    """Asks the same of a device again and again, each time with the next counter."""

    def __init__(self, device: DeviceUnderTest, command: Message) -> None:
        self._device, self._command, self._counter = device, command, command.counter

    def values(self) -> list[Any]:
        """Return the values of a fresh answer."""
        self._counter += 1
        return _values(self._device, self._device.ask(renumbered(self._device, self._command, self._counter)))


def _changed(value: Any) -> tuple[Any, Any, Any] | None:
    """Return (the value with one leaf changed, that leaf before, after); None when no leaf has an obvious other."""
    if isinstance(value, bool):
        return not value, value, not value
    if isinstance(value, int):
        other = value - 1 if value > 0 else value + 1
        return other, value, other
    for index, element in enumerate(value if isinstance(value, list) else ()):
        found = _changed(element)
        if found:
            return [*value[:index], found[0], *value[index + 1 :]], found[1], found[2]
    return None


def _follows(old: Any, new: Any, before: Any, after: Any) -> bool:
    """Return whether an answer's leaf went as the model's did; a moment is a number there and octets in the answer."""
    if isinstance(before, bytes) and len(before) == len(after) == _DATE_TIME_SIZE:
        return (moment(before), moment(after)) == (old, new)
    return (bool(before), bool(after)) == (old, new) if isinstance(old, bool) else (before, after) == (old, new)


def _expect_one(before: list[Any], after: list[Any], old: Any, new: Any, path: str) -> None:
    """Raise Mismatch unless the answer changed as the field at `path` did, and nowhere else but in what follows it."""
    if len(before) != len(after):
        raise Mismatch(
            f"{path} was changed from {old} to {new}, and the answer has {len(after)} values of {len(before)}"
        )
    differences = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    judge = any if path in _FOLLOWED else all
    if not differences or not judge(_follows(old, new, *difference) for difference in differences):
        raise Mismatch(f"{path} was changed from {old} to {new}, and the answer changed by {differences or 'nothing'}")


def check(device: DeviceUnderTest, command: Message, operations: tuple[Operation, ...]) -> None:
    """Change seeded fields one at a time, then restart. Raises Mismatch when the answer does not follow."""
    asker = Asker(device, command)
    before = asker.values()
    for operation in [each for each in operations if each["do"] == "set"][:MOST_CHANGES]:
        old, path = operation["value"], operation["path"]
        changed = _changed(old)
        if changed is None:
            continue
        device.bench.set(path, changed[0])
        _expect_one(before, asker.values(), changed[1], changed[2], path)
        device.bench.set(path, old)
    device.restart()
    device.bench("speed", factor=0)
    for operation in (each for each in operations if each["do"] in ("time", "hub", "fault")):
        fields = dict(operation)
        device.bench(fields.pop("do"), **fields)
    after = asker.values()
    if after != before:
        raise Mismatch("the answer is another after a restart")
