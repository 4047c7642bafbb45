"""Top-up tokens, made here as a supplier makes them."""

import struct

from smets.crypto.gcm import Gcm
from smets.message import utrn
from smets.message.utrn import UtrnChecker
from tests.firmware.message_world import DEVICE, SUPPLIER, World, message_key

NOT_AUTHENTIC, DUPLICATE, ENTRY_SUSPENDED, LOCKED_OUT = 0x8F63, 0x8F51, 0x81C4, 0x81C5
SEEN, FAILURES, SUSPENSION_S = 100, 5, 3600


def make_token(world, number, value, pounds=False, device=DEVICE):
    """Return the 20 digits of a token as the supplier makes them, its check digit found by trying."""
    high = (number & 1023) << 15 | (1 if pounds else 0) << 13 | value
    counter = struct.pack(">II", number, 0)
    key = message_key(world.secret_with(SUPPLIER, "pp"), 1, SUPPLIER, counter, device)
    gcm = Gcm(key)
    aad = b"\x11\x00\x00\x00\x00\x00" + SUPPLIER + device + b"\x01" + counter + struct.pack(">I", high)
    gcm.start(SUPPLIER + bytes(4), aad)
    ptut = struct.pack(">I", high) + gcm.finish(16)[12:]
    digits = b"%d" % (7394156990786306048 + struct.unpack(">Q", ptut)[0])
    for check in b"0123456789":
        if utrn.is_well_typed(digits + bytes((check,))):
            return digits + bytes((check,))
    raise AssertionError


def checker(world):
    return UtrnChecker(world.journal, world.anchors, DEVICE)


def test_value_and_number():
    world = World()
    tokens = checker(world)
    for number, value, pounds in ((3, 1500, False), (400, 20, True), (1, 1, False), (2, 8191, True)):
        expected = (0, value * (100 if pounds else 1), number)
        assert tokens.check(make_token(world, number, value, pounds), False, 0) == expected


def test_check_digit_tells_one_wrong_digit_and_neighbours_swapped():
    token = make_token(World(), 3, 1500)
    for place in range(20):
        for digit in b"0123456789":
            other = token[:place] + bytes((digit,)) + token[place + 1 :]
            assert utrn.is_well_typed(other) == (other == token)
        swapped = token[:place] + bytes(reversed(token[place : place + 2])) + token[place + 2 :]
        assert utrn.is_well_typed(swapped) == (swapped == token)
    for text in (b"", token[:19], token + b"0", b"a" * 20, token[:19] + b"x"):
        assert not utrn.is_well_typed(text)


def test_duplicates_survive_a_restart():
    world = World()
    token = make_token(world, 5, 100)
    _, _, number = checker(world).check(token, False, 0)
    world.journal.put(*checker(world).used(number))
    assert checker(world).check(token, False, 0)[0] == DUPLICATE
    assert checker(world).check(make_token(world, 4, 100), False, 0)[0] == 0


def test_forged_and_foreign_tokens():
    world = World()
    for token in (make_token(world, 5, 100, device=SUPPLIER), make_token(World(), 5, 100)):
        assert checker(world).check(token, False, 0) == (NOT_AUTHENTIC, 0, 0)
    without = World(cells=())
    assert checker(without).check(make_token(without, 5, 100), False, 0)[0] == NOT_AUTHENTIC


def test_window_follows_the_highest_number():
    world = World()
    tokens = checker(world)
    for number in (500, 1000, 1500, 2000):
        assert tokens.check(make_token(world, number, 1), False, 0) == (0, 1, number)
        world.journal.put(*tokens.used(number))
    assert tokens.check(make_token(world, 1490, 1), False, 0) == (0, 1, 1490)
    assert tokens.check(make_token(world, 2511, 1), False, 0) == (0, 1, 2511)
    assert tokens.check(make_token(world, 2513, 1), False, 0)[0] == NOT_AUTHENTIC


def test_memory_of_numbers_is_bounded_and_never_forgets_into_double_credit():
    world = World()
    tokens = checker(world)
    first = make_token(world, 1, 1)
    for number in range(1, SEEN + 3):
        world.journal.put(*tokens.used(number))
    assert len(world.journal.get("utrn/seen")) == 4 * SEEN
    assert tokens.check(first, False, 0)[0] == DUPLICATE


def test_manual_entry_is_suspended_after_forged_tokens():
    world = World()
    forged, good = make_token(World(), 5, 100), make_token(world, 6, 100)
    typo = good[:19] + (b"1" if good[19:] != b"1" else b"2")
    for _ in range(FAILURES - 1):
        assert checker(world).check(forged, True, 1000)[0] == NOT_AUTHENTIC
        assert checker(world).check(typo, True, 1000)[0] == NOT_AUTHENTIC
    assert checker(world).check(forged, True, 1000)[0] == ENTRY_SUSPENDED
    assert checker(world).check(good, True, 1001)[0] == LOCKED_OUT
    assert checker(world).check(good, False, 1001)[0] == 0
    assert checker(world).check(good, True, 999)[0] == 0  # the clock was set back
    assert checker(world).check(good, True, 1000 + SUSPENSION_S)[0] == 0


def test_a_good_token_by_hand_ends_the_count():
    world = World()
    forged, good = make_token(World(), 5, 100), make_token(world, 6, 100)
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert checker(world).check(forged, True, 0)[0] == NOT_AUTHENTIC
        assert checker(world).check(good, True, 0)[0] == 0
