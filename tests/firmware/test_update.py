"""Receiving and activating firmware: the power may go at every write, and what was there, or what comes, is whole."""

import os
from hashlib import sha256

import boot

from smets.crypto import p256
from smets.update import verdict
from smets.update.slots import FAILED, TRIAL, Slots
from smets.update.transfer import REFUSED, VERIFIED, WANTED, WHOLE, Transfer
from tests.firmware.power_cut import CutFiles, PowerCut, QuickFiles, scratch

QUICK = QuickFiles()
BLOCK_SIZE = 1024
BOARD, ROLE, VERSION = b"unix", b"esme", b"\x00\x01\x00\x02"
PRIVATE = bytes(31) + b"\x07"
FILES = (("smets/a.mpy", bytes(range(200)) * 7), ("smets/message/b.mpy", b""), ("tables/esme.objects", b"table" * 150))


def image(files=FILES, version=VERSION, board=BOARD):
    """Return (octets, hash) of a signed image, laid out as update/image.py says."""
    table = b"".join([path.encode() + bytes(60 - len(path)) + len(data).to_bytes(4, "big") for path, data in files])
    content = b"".join([data for _, data in files])
    size = 39 + len(table) + len(content) + 64
    head = b"SMFI\x01" + len(files).to_bytes(2, "big") + board + bytes(16 - len(board)) + ROLE + bytes(8 - len(ROLE))
    text = head + version + size.to_bytes(4, "big") + table + content
    digest = sha256(text).digest()
    return text + p256.sign(PRIVATE, digest), digest


OCTETS, HASH = image()
PUBLIC = p256.public_key(PRIVATE)


def tree(folder):
    """Return what is below a folder, by path."""
    found = {}
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            found.update({name + "/" + below: data for below, data in tree(path).items()})
        else:
            with open(path, "rb") as handle:
                found[name] = handle.read()
    return found


def remove(folder):
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            remove(path)
        else:
            os.remove(path)
    os.rmdir(folder)


def offer(octets=OCTETS, image_hash=HASH):
    return b"\x01" + len(octets).to_bytes(4, "big") + image_hash


def send(store, files=QUICK, octets=OCTETS, image_hash=HASH, blocks=None, key=PUBLIC):
    """Send an image as the host does, `blocks` of it at most; return the last answer's kind and the blocks sent."""
    transfer, sent = Transfer(store, BOARD, ROLE, files), 0
    try:
        answer = transfer.take(offer(octets, image_hash))
        while answer[0] == WANTED and transfer.outcome != WHOLE and sent != blocks:
            number = int.from_bytes(answer[1:5], "big")
            block = octets[number * BLOCK_SIZE : (number + 1) * BLOCK_SIZE]
            answer = transfer.take(b"\x02" + number.to_bytes(4, "big") + block)
            sent += 1
    finally:
        transfer.close()
    if transfer.outcome != WHOLE:
        return answer[0], sent
    _, _, version = verdict.judge(store, key, files)
    verdict.settle(store, files)
    return (VERIFIED if version else REFUSED), sent


def assert_whole(store, slot):
    """What is verified is the image, file by file."""
    found = tree(store + "/slots/" + slot)
    assert found["verified"] == HASH
    for path, data in FILES:
        assert found[path] == data, path


def test_an_image_is_unpacked_file_by_file():
    store = scratch()
    assert send(store) == (VERIFIED, (len(OCTETS) + BLOCK_SIZE - 1) // BLOCK_SIZE)
    assert_whole(store, "a")
    found = tree(store + "/slots/a")
    assert found["head"] == OCTETS[:39] and found["signature"] == OCTETS[-64:] and "offer" not in found
    assert send(store) == (VERIFIED, 0)  # it is there
    remove(store)


def test_a_transfer_goes_on_where_it_was_but_for_its_last_block():
    store = scratch()
    assert send(store, blocks=2) == (WANTED, 2)
    assert send(store) == (VERIFIED, (len(OCTETS) + BLOCK_SIZE - 1) // BLOCK_SIZE - 1)
    assert_whole(store, "a")
    remove(store)


def test_an_aborted_transfer_leaves_nothing():
    store = scratch()
    send(store, blocks=2)
    transfer = Transfer(store, BOARD, ROLE, QUICK)
    answer = transfer.take(b"\x03")
    assert answer[0] == REFUSED and b"as was asked for" in answer
    assert tree(store + "/slots/a") == {}
    assert transfer.take(b"\x02\x00\x00\x00\x02" + OCTETS[2048:])[0] == REFUSED  # nothing is offered
    assert send(store)[0] == VERIFIED
    remove(store)


def test_another_image_takes_the_place_of_one_half_received():
    store = scratch()
    other, other_hash = image((("smets/other.mpy", bytes(3000)),))
    send(store, octets=other, image_hash=other_hash, blocks=3)
    assert send(store)[0] == VERIFIED
    assert "smets/other.mpy" not in tree(store + "/slots/a")
    assert_whole(store, "a")
    remove(store)


def test_images_that_are_none_of_this_device_leave_nothing():
    paths = (
        "../a.mpy",
        "smets/../../x",
        "smets//x",
        "/smets/x",
        "boot.py",
        "smets/.x",
        "store/journal/1",
        "smets/X.mpy",
    )
    wrong = [image(((path, b"x"),)) for path in paths]
    wrong += [image(board=b"RPI_PICO"), (OCTETS[:-1], HASH), (b"SMFX" + OCTETS[4:], HASH)]
    for octets, image_hash in wrong:
        store = scratch()
        assert send(store, octets=octets, image_hash=image_hash)[0] == REFUSED
        assert tree(store + "/slots/a") == {} and set(os.listdir(store)) == {"slots"}
        remove(store)


def test_a_flipped_bit_anywhere_or_anothers_key_is_never_verified():
    for place in list(range(0, len(OCTETS), 97)) + [len(OCTETS) - 1]:
        store = scratch()
        altered = bytearray(OCTETS)
        altered[place] ^= 1
        assert send(store, octets=bytes(altered))[0] == REFUSED, place
        assert Slots(store, QUICK).hash_of("a") is None
        remove(store)
    store = scratch()
    assert send(store, key=p256.public_key(bytes(31) + b"\x08"))[0] == REFUSED
    assert tree(store + "/slots/a") == {}
    remove(store)


def test_power_cut_at_every_write_of_receiving():
    """The transfer goes on and ends well; nothing that is not whole was ever verified."""
    cut_at, was_cut = 0, True
    while was_cut:
        cut_at, store = cut_at + 1, scratch()
        try:
            send(store, CutFiles(cut_at, cut_at % 5 * 70, (b"", b"\xff", b"\x00")[cut_at % 3]))
            was_cut = False
        except PowerCut:
            pass
        if Slots(store, QUICK).hash_of("a"):
            assert_whole(store, "a")
        assert send(store)[0] == VERIFIED, cut_at
        assert_whole(store, "a")
        remove(store)
    assert cut_at > 20


def started(store):
    """Start once; return the slot that runs, None for the factory's files."""
    import sys

    before = list(sys.path)
    folder = boot.choose(store)
    sys.path[:] = before
    return folder and folder[-1]


def test_power_cut_at_every_write_of_activating():
    """Before or after: what starts is the factory's, or the slot on trial, and the trial can be ended either way."""
    for passed in (True, False):
        cut_at, was_cut, outcomes = 0, True, set()
        while was_cut:
            cut_at, store = cut_at + 1, scratch()
            send(store)
            try:
                Slots(store, CutFiles(cut_at, cut_at % 7, b"\xff")).try_spare()
                was_cut = False
            except PowerCut:
                pass
            runs = started(store)
            outcomes.add(runs)
            slots = Slots(store, QUICK)
            assert (runs == "a") == (slots.state == TRIAL)
            if runs:
                slots.end_trial(passed)
                assert started(store) == ("a" if passed else None)
            remove(store)
        assert outcomes == {None, "a"}


def test_power_cut_at_every_write_that_ends_a_trial():
    """A trial whose end was not kept is another start of it; never does an untried slot become the one that runs."""
    for passed in (True, False):
        cut_at, was_cut = 0, True
        while was_cut:
            cut_at, store = cut_at + 1, scratch()
            send(store)
            Slots(store, QUICK).try_spare()
            assert started(store) == "a"
            try:
                Slots(store, CutFiles(cut_at, cut_at % 7)).end_trial(passed)
                was_cut = False
            except PowerCut:
                pass
            runs, state = started(store), Slots(store, QUICK).state
            assert runs == ("a" if passed or was_cut and state == TRIAL else None)
            remove(store)


def test_power_cuts_during_a_trial_use_its_starts_up():
    store = scratch()
    send(store)
    Slots(store, QUICK).try_spare()
    assert [started(store) for _ in range(5)] == ["a", "a", "a", None, None]
    slots = Slots(store, QUICK)
    assert (slots.active, slots.tried, slots.state) == ("-", "a", FAILED)
    assert send(store) == (VERIFIED, 0)  # it may be tried again
    remove(store)
