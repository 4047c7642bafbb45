"""message/block_transfer.py: messages in blocks arrive whole whatever the link loses, repeats or turns round.

The other side is written here from IEC 62056-5-3 clause 7.3.13, and owes nothing to the device's code.
"""

from smets.message.block_transfer import IDLE_MS, Blocks
from smets.message.envelope import BLOCK, BLOCK_HEAD, MAX_MESSAGE, MAX_WHOLE, WINDOW
from smets.store.kept_message import KeptMessage
from tests.firmware.power_cut import scratch

LAST, STREAMING = 0x80, 0x40


def octets_of(size, salt=7):
    return bytes([(place * 31 + salt + (place >> 8)) & 0xFF for place in range(size)])


def block(number, octets, control, confirmed=0):
    """Return a block's APDU."""
    size = len(octets)
    length = bytes((size,)) if size < 128 else bytes((0x81, size)) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes((0xE0, control)) + number.to_bytes(2, "big") + confirmed.to_bytes(2, "big") + length + octets


def confirm(confirmed, window=WINDOW):
    """Return the APDU that asks for what comes after block `confirmed`; the first asked for was never the first."""
    return block(confirmed or 1, b"", LAST | window, confirmed)


def read(apdu):
    """Return (control, number, confirmed, octets) of an APDU."""
    apdu = bytes(apdu)
    assert apdu[0] == 0xE0
    head = {0x81: 2, 0x82: 3}.get(apdu[6], 1)
    size = apdu[6] if head == 1 else int.from_bytes(apdu[7 : 6 + head], "big")
    assert len(apdu) == 6 + head + size
    return apdu[1], int.from_bytes(apdu[2:4], "big"), int.from_bytes(apdu[4:6], "big"), apdu[6 + head :]


def blocks_of(message):
    """Return a message's blocks, a window's last and the message's last without the streaming bit."""
    count = (len(message) + BLOCK - 1) // BLOCK
    found = []
    for number in range(1, count + 1):
        control = LAST if number == count else STREAMING if number % WINDOW else 0
        found.append(block(number, message[(number - 1) * BLOCK : number * BLOCK], control | WINDOW))
    return found


class Answer:
    """A message to be sent."""

    def __init__(self, octets):
        self.octets, self.size, self.reads = octets, len(octets), []

    def read_into(self, offset, view):
        self.reads.append(offset)
        view[:] = self.octets[offset : offset + len(view)]


class Device:
    """The device's side; `sent` are its APDUs, `refused_long` what it refused for its length."""

    def __init__(self, past=()):
        self.sent, self.refused_long, self.folder = [], [], scratch()
        frame = memoryview(bytearray(BLOCK_HEAD + BLOCK))
        self.blocks = Blocks(
            lambda apdu: self.sent.append(bytes(apdu)), self.refused_long.append, frame,
            lambda: KeptMessage(self.folder), past,
        )  # fmt: skip

    def take(self, apdu):
        """Take an APDU; return the octets of a message that is whole, else None."""
        whole = self.blocks.take(memoryview(apdu))
        return whole if whole is None else content(whole)

    def said(self):
        """Return what was sent since this was asked last, read."""
        found, self.sent = [read(apdu) for apdu in self.sent], []
        return found


def content(whole):
    """Return the octets of a message that was kept: those that `give` gives, and that slices and places have."""
    if not hasattr(whole, "give"):
        return bytes(whole)
    parts = []
    whole.give(lambda part: parts.append(bytes(part)))
    found = b"".join(parts)
    assert len(whole) == len(found) and whole[0] == found[0] and whole[len(found) - 1] == found[-1]
    assert bytes(whole[100:700]) == found[100:700] and bytes(whole[5:][3000:][:9]) == found[3005:3014]
    return found


def fails(error, step, *arguments):
    """Return whether a step raises an error."""
    try:
        step(*arguments)
    except error:
        return True
    return False


class Chance:
    """The same chances in every run, on either Python."""

    def __init__(self, seed):
        self._state = seed * 2654435761 % 0x7FFFFFFF or 1

    def one_in(self, count):
        self._state = self._state * 48271 % 0x7FFFFFFF
        return self._state // 7 % count == 0

    def shuffled(self, elements):
        found = []
        for element in elements:
            self._state = self._state * 48271 % 0x7FFFFFFF
            found.insert(self._state // 7 % (len(found) + 1), element)
        return found


def test_a_message_of_every_length_comes_whole():
    for size in (1, BLOCK - 1, BLOCK, BLOCK + 1, MAX_WHOLE, MAX_WHOLE + 1, 6 * BLOCK, 6 * BLOCK + 1, MAX_MESSAGE):
        device, message = Device(), octets_of(size)
        answers = [device.take(apdu) for apdu in blocks_of(message)]
        assert answers[:-1] == [None] * (len(answers) - 1) and answers[-1] == message, size
        last = (size + BLOCK - 1) // BLOCK
        expected = [number for number in range(1, last + 1) if number % WINDOW == 0 or number == last]
        assert [(number, confirmed) for _, number, confirmed, _ in device.said()] == [(one, one) for one in expected]


def test_a_message_that_is_too_long_is_refused_and_forgotten():
    device = Device()
    answers = [device.take(apdu) for apdu in blocks_of(octets_of(MAX_MESSAGE + 1))]
    assert not any(answers) and device.refused_long == [MAX_MESSAGE]
    assert (LAST, 0, 0, b"") in device.said(), "it is told that the transfer ended"
    assert device.blocks.kept is None
    again = [device.take(apdu) for apdu in blocks_of(octets_of(3000, 9))]
    assert again[-1] == octets_of(3000, 9)


def test_what_is_lost_repeated_and_turned_round_comes_whole():
    """A sender that repeats what was not confirmed gets its message over any such link, once."""
    for seed in range(1, 25):
        chance, device = Chance(seed), Device()
        message = octets_of(1 + seed * 397, seed)
        waiting, whole, rounds = blocks_of(message), [], 0
        confirmed = 0
        while confirmed < len(waiting):
            rounds += 1
            assert rounds < 200, seed
            window = waiting[confirmed : confirmed + WINDOW]
            # the last one of what is sent asks for a confirmation
            window[-1] = window[-1][:1] + bytes((window[-1][1] & ~STREAMING,)) + window[-1][2:]
            on_the_way = [apdu for apdu in window if not chance.one_in(4)]
            on_the_way += [apdu for apdu in window if chance.one_in(5)]
            for apdu in chance.shuffled(on_the_way):
                found = device.take(apdu)
                if found is not None:
                    whole.append(found)
            for _, _, now, _ in device.said():
                if not chance.one_in(4):
                    assert now <= len(waiting)
                    confirmed = max(confirmed, now)
        assert whole == [message], seed


def test_blocks_of_two_messages_do_not_mix():
    device, first, second = Device(), octets_of(5000, 1), octets_of(4500, 2)
    for apdu in blocks_of(first)[:3]:
        assert device.take(apdu) is None
    answers = [device.take(apdu) for apdu in blocks_of(second)]
    assert answers[-1] == second, "a new first block begins anew"
    assert device.take(blocks_of(first)[3]) is None and device.take(blocks_of(first)[4]) is None


def test_a_message_that_came_is_not_taken_twice():
    device, message = Device(), octets_of(2500)
    assert [device.take(apdu) for apdu in blocks_of(message)][-1] == message
    assert [device.take(apdu) for apdu in blocks_of(message)] == [None] * 3
    assert device.said()[-1][1:3] == (3, 3), "its confirmation may have been lost"
    device.blocks.kept.close()
    later = Device(device.blocks.drop())
    assert [later.take(apdu) for apdu in blocks_of(message)] == [None] * 3
    assert later.blocks.is_over(IDLE_MS), "and in the end it is forgotten"
    assert [later.take(apdu) for apdu in blocks_of(message)][-1] == message


def test_an_answer_of_every_length_goes_out():
    for size in (1, BLOCK, BLOCK + 1, 6 * BLOCK, 6 * BLOCK + 1, 20000):
        device, message = Device(), Answer(octets_of(size))
        device.blocks.start(message)
        received = []
        while device.blocks.is_under_way:
            said = device.said()
            assert 0 < len(said) <= WINDOW
            for control, number, _, octets in said:
                received.append(octets)
                assert number == len(received) and bool(control & LAST) == (number * BLOCK >= size)
                assert bool(control & STREAMING) == (number != said[-1][1])
            device.take(confirm(len(received)))
        assert b"".join(received) == message.octets, size


def test_an_answer_goes_over_a_link_that_loses():
    """The other side says what it has without a gap, as often as it hears nothing."""
    for seed in range(1, 25):
        chance, device = Chance(seed), Device()
        message = Answer(octets_of(1 + seed * 811, seed))
        received, rounds = {}, 0
        device.blocks.start(message)
        while device.blocks.is_under_way:
            rounds += 1
            assert rounds < 300, seed
            for _, number, _, octets in device.said():
                if octets and not chance.one_in(4):
                    received[number] = octets
            have = 0
            while have + 1 in received:
                have += 1
            if not chance.one_in(4):
                device.take(confirm(have, 1 + seed % WINDOW))
        assert b"".join([received[number] for number in sorted(received)]) == message.octets, seed


def test_what_was_not_sent_yet_cannot_be_confirmed():
    device, message = Device(), Answer(octets_of(20000))
    device.blocks.start(message)
    device.said()
    device.take(confirm(WINDOW + 1))
    device.take(confirm(2, 0))
    assert device.said() == [] and device.blocks.refused == 2
    device.take(confirm(2))
    assert [number for _, number, _, _ in device.said()] == [3, 4, 5, 6, 7, 8]


def test_an_answer_that_cannot_be_made_again_is_ended():
    class Gone(Answer):
        def read_into(self, offset, view):
            if offset and self.reads.count(offset):
                raise ValueError("a row is gone")
            Answer.read_into(self, offset, view)

    device, message = Device(), Gone(octets_of(9000))
    device.blocks.start(message)
    device.said()
    assert fails(ValueError, device.take, confirm(1))
    assert device.said() == [(LAST, 0, 0, b"")] and not device.blocks.is_under_way


def test_one_that_the_heap_has_no_room_for_waits():
    class Full(Answer):
        is_full = True

        def read_into(self, offset, view):
            if self.is_full and offset >= 2 * BLOCK:
                raise MemoryError
            Answer.read_into(self, offset, view)

    device, message = Device(), Full(octets_of(5000))
    assert fails(MemoryError, device.blocks.start, message)
    assert [number for _, number, _, _ in device.said()] == [1, 2] and device.blocks.is_under_way
    message.is_full = False
    device.take(confirm(2))
    assert [number for _, number, _, _ in device.said()] == [3, 4, 5], "the other side asks again"


def test_a_transfer_is_ended_by_either_side():
    device = Device()
    device.blocks.start(Answer(octets_of(9000)))
    device.take(block(0, b"", LAST))
    assert not device.blocks.is_under_way
    device = Device()
    device.take(blocks_of(octets_of(5000))[0])
    assert device.blocks.is_under_way
    assert device.blocks.drop() == () and device.said()[-1] == (LAST, 0, 0, b"")
    assert device.blocks.kept is None and not device.blocks.is_under_way
    device.take(blocks_of(octets_of(5000))[0])
    device.said()
    assert device.blocks.drop(True) == () and device.said() == [], "who sends another command knows"


def test_what_makes_no_sense_changes_nothing():
    device, message = Device(), octets_of(3000)
    whole = blocks_of(message)
    assert device.take(whole[0]) is None
    good = whole[1]
    bad = [good[:length] for length in range(len(good))]
    bad += [good + b"\x00", b"\xdb" + good[1:], good[:6] + b"\x85" + good[7:]]
    for apdu in bad:
        assert device.take(apdu) is None
    assert device.blocks.refused == len(bad)
    assert [device.take(apdu) for apdu in whole[1:]][-1] == message


def test_a_flash_that_takes_no_more_ends_the_transfer():
    device = Device()
    device.take(blocks_of(octets_of(5000))[0])

    def fail(octets):
        raise OSError(28)

    device.blocks.kept.append = fail
    assert fails(OSError, device.take, blocks_of(octets_of(5000))[1])
    assert device.said()[-1] == (LAST, 0, 0, b"") and device.blocks.kept is None
    assert [device.take(apdu) for apdu in blocks_of(octets_of(5000))][-1] == octets_of(5000)
