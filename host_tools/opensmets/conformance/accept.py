"""Level 3: the device carries out the command once, and refuses it altered, repeated, or from the wrong party.

Altered means as it is on the wire: every bit outside the payload and one seeded bit of each payload byte flipped, or
every bit of all with `all_bits`. The MAC gives most of that away, so a signed command is forged besides: flipped in
signature or payload under a MAC that is right, which only the signature can give away.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from opensmets.catalogue.use_cases import by_message_code
from opensmets.conformance.device import DeviceUnderTest
from opensmets.conformance.verdicts import Mismatch
from opensmets.layouts import envelope, xdlms
from opensmets.layouts.envelope import ALERT, SIGNATURE_SIZE, Message
from opensmets.security.keystore import format_eui
from opensmets.security.protection import sign_precommand

#: Altered messages sent between two looks at the device's counters.
BATCH = 64
#: Payload bytes of which a bit is flipped under a right MAC, unless all bits are wanted: each costs the device the
#: verification of a signature, and all of them would double the run.
MOST_FORGED = 64
NO_AUTHORITY, NOT_AUTHENTIC = 0x8F30, 0x8F3D
#: Parties that stand in a meter's cells and can sign; one whose role the use case does not allow plays the intruder.
INTRUDERS = ("network_operator", "load_controller", "supplier")


def _flip(octets: bytes, bit: int) -> bytes:
    altered = bytearray(octets)
    altered[bit // 8] ^= 0x80 >> bit % 8
    return bytes(altered)


def altered(octets: bytes, *, all_bits: bool) -> Iterator[bytes]:
    """Yield the message with one bit flipped: every bit outside the payload, one seeded bit of each payload byte."""
    message = envelope.decode(octets)
    chance = random.Random(octets)
    for byte in range(len(octets)):
        inside = message.payload_start <= byte < message.payload_end
        bits = [chance.randrange(8)] if inside and not all_bits else range(8)
        yield from (_flip(octets, byte * 8 + bit) for bit in bits)


def forged(device: DeviceUnderTest, command: Message, *, all_bits: bool) -> Iterator[bytes]:
    """Yield commands whose MAC is right and whose signature is not: bits of it and of the payload are flipped."""
    if not command.signature:
        return
    chance = random.Random(command.payload)
    for bit in _bits(range(SIGNATURE_SIZE), chance, all_bits=all_bits):
        yield device.with_mac(replace(command, signature=_flip(command.signature, bit)))
    places = range(len(command.payload))
    chosen = places if all_bits else chance.sample(places, min(MOST_FORGED, len(places)))
    for bit in _bits(chosen, chance, all_bits=all_bits):
        yield device.with_mac(replace(command, payload=_flip(command.payload, bit)))


def _bits(places: Iterable[int], chance: random.Random, *, all_bits: bool) -> Iterator[int]:
    """Yield the numbers of the bits to flip: all of each byte at `places`, or a seeded one."""
    for byte in places:
        for bit in range(8) if all_bits else [chance.randrange(8)]:
            yield byte * 8 + bit


def intruder(device: DeviceUnderTest, command: Message) -> bytes | None:
    """Return the command as another known party would send it, signed and MACed well, or None when all may send it."""
    variants = by_message_code()[command.message_code]
    allowed = {role for variant in variants for role in variant.originators}
    role = next((role for role in INTRUDERS if role not in allowed and device.keystore.by_role(role)), None)
    if role is None:
        return None
    eui = device.keystore.by_role(role)[0].eui
    disguised = replace(command, originator=eui, mac=None, signature=None, raw=b"")
    if command.signature:
        return device.with_mac(envelope.decode(sign_precommand(envelope.encode(disguised), device.keystore)))
    return device.with_mac(replace(disguised, signature=b""))


def _expect_refused(device: DeviceUnderTest, messages: list[bytes], what: str) -> None:
    """Send messages, all of which must be refused and change nothing; name the first that is not."""
    before = device.bench.status()
    after = device.send(messages)
    if all(after[name] == before[name] for name in ("accepted", "state", "cells")):
        return
    how = "accepted" if after["accepted"] != before["accepted"] else "refused, but the state changed"
    which = messages[0].hex() if len(messages) == 1 else f"one of {len(messages)}"
    raise Mismatch(f"{what} was {how}: {which}")


def _refusal_alert(device: DeviceUnderTest, code: int) -> None:
    """Expect an alert of this code among what the device sent."""
    codes = []
    for message in device.take():
        if message.cra_flag == ALERT:
            codes.append(xdlms.decode_notification(message.payload).alert_code)
    if code not in codes:
        raise Mismatch(f"no alert {code:#06X} after the refusal, only {[hex(each) for each in codes]}")


def refuse(device: DeviceUnderTest, command: Message, *, all_bits: bool) -> None:
    """Play what must be refused before the command has ever been accepted. Raises Mismatch."""
    good = device.with_mac(command)
    # the intruder first: the alerts of refusals are limited in rate, and altered originators raise its alert too
    stranger = intruder(device, command)
    if stranger:
        _expect_refused(device, [stranger], f"the command from {format_eui(envelope.decode(stranger).originator)}")
        _refusal_alert(device, NO_AUTHORITY)
    attacks = [*altered(good, all_bits=all_bits), *forged(device, command, all_bits=all_bits)]
    for start in range(0, len(attacks), BATCH):
        _expect_refused(device, attacks[start : start + BATCH], "an altered command")
    _refusal_alert(device, NOT_AUTHENTIC)


def accept(device: DeviceUnderTest, command: Message) -> Message:
    """Play the command, then its replay, and return the response. Raises Mismatch."""
    good = device.with_mac(command)
    response = device.ask(good)
    _expect_refused(device, [good], "a replay")
    return response
