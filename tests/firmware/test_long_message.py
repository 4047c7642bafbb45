"""message/long_message.py and the pieces of crypto/gcm.py: what is made when it is read is what would be made whole."""

from smets.cosem.late_seal import LateSeal, LateTag
from smets.crypto.gcm import Gcm
from smets.message.long_message import LongMessage, _Mac

KEY, IV = bytes(range(16)), bytes(range(12))
AAD = b"what is not encrypted"


def octets_of(size, salt=3):
    return bytes([(place * 37 + salt + (place >> 8)) & 0xFF for place in range(size)])


def sealed(text, aad=AAD):
    """Return a text encrypted at once, and its tag."""
    buffer = bytearray(text)
    tag = Gcm(KEY).seal(IV, aad, buffer)
    return bytes(buffer), tag


def started(aad=AAD):
    gcm = Gcm(KEY)
    gcm.start(IV, aad)
    return gcm


class Rows:
    """A late part that counts how often its octets were made."""

    def __init__(self, octets):
        self._octets, self.size, self.made = octets, len(octets), 0

    def read_into(self, offset, view):
        self.made += len(view)
        view[:] = self._octets[offset : offset + len(view)]


def mac():
    """Return what stands at a message's end: its MAC, which is made as it is read."""
    gcm = Gcm(KEY)
    gcm.start(bytes(12))
    return _Mac(gcm)


def with_mac(octets, start, end):
    """Return octets and, behind them, the MAC of those from `start` to `end`, made at once."""
    return octets + Gcm(KEY).tag(bytes(12), octets[start:end])


def whole(message, step):
    """Return a message read front to back in steps."""
    found = bytearray(message.size)
    view = memoryview(found)
    for offset in range(0, message.size, step):
        message.read_into(offset, view[offset : min(offset + step, message.size)])
    return bytes(found)


def fails(error, step, *arguments):
    try:
        step(*arguments)
    except error:
        return True
    return False


def test_a_text_in_pieces_is_the_text_at_once():
    text = octets_of(1000)
    cipher, tag = sealed(text)
    for step in (1, 15, 16, 17, 63, 64, 65, 333, 1000):
        gcm, buffer = started(), bytearray(text)
        view = memoryview(buffer)
        for at in range(0, len(text), step):
            gcm.encrypt(view[at : at + step])
        assert (bytes(buffer), gcm.finish(12)) == (cipher, tag), step


def test_seek_goes_to_any_octet_and_leaves_the_tag():
    text = octets_of(700)
    cipher, tag = sealed(text)
    gcm = started()
    gcm.authenticate(cipher)
    assert gcm.finish(12) == tag
    for at in (0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 500, 699, 3, 640):
        for size in (1, 16, 40, 200):
            part = bytearray(cipher[at : at + size])
            gcm.seek(at)
            gcm.decrypt(part)
            assert bytes(part) == text[at : at + size], (at, size)


def test_a_message_is_its_texts_and_late_parts_in_turn():
    texts, rows = octets_of(300), Rows(octets_of(5000, 9))
    expected = texts[:120] + octets_of(5000, 9) + texts[120:]
    for step in (1024, 100, 7):
        message = LongMessage(texts, [[120, rows]], mac(), 10, 5290)
        assert message.size == 5312
        assert whole(message, step) == with_mac(expected, 10, 5290), step


def test_what_was_read_is_made_again_and_no_other_order_is():
    rows = Rows(octets_of(4000))
    message = LongMessage(octets_of(100), [[60, rows]], mac(), 0, 4100)
    first = whole(message, 512)
    part = memoryview(bytearray(512))
    for offset in (2048, 0, 3072):
        message.read_into(offset, part)
        assert bytes(part) == first[offset : offset + 512]
    assert rows.made == 4000 + 512 + (512 - 60) + 512
    message = LongMessage(octets_of(100), [[60, rows]], mac(), 0, 4100)
    assert fails(ValueError, message.read_into, 512, part), "what comes before was not read"
    message.read_into(0, part)
    assert fails(ValueError, message.read_into, 100, part), "half of it was read"


def test_a_sealed_part_is_encrypted_once_for_its_tag_and_again_for_its_reader():
    head, tail, rows = octets_of(50, 1), octets_of(20, 2), Rows(octets_of(3000, 5))
    cipher, tag = sealed(head + octets_of(3000, 5) + tail)
    before, behind = b"before it", b"behind it"
    text = before + head + tail + behind
    seal = LateSeal(started())
    inside = len(before) + len(head)
    late = [[len(before), seal], [inside, rows], [inside + len(tail), LateTag(seal)]]
    expected = before + cipher + tag + behind
    for step in (1024, 64, 13):
        seal.gcm = started()
        message = LongMessage(text, late, mac(), 0, len(expected))
        found = whole(message, step)
        assert found == with_mac(expected, 0, len(expected)), step
        part = memoryview(bytearray(step))
        for place in range(0, message.size - step, 5 * step):
            message.read_into(place, part)
            assert bytes(part) == found[place : place + step], (step, place)


def test_a_late_part_that_fails_may_be_read_again_later():
    class Full(Rows):
        is_full = True

        def read_into(self, offset, view):
            if self.is_full:
                raise MemoryError
            Rows.read_into(self, offset, view)

    rows = Full(octets_of(900))
    message = LongMessage(b"12", [[1, rows]], mac(), 0, 902)
    part = memoryview(bytearray(message.size))
    assert fails(MemoryError, message.read_into, 0, part)
    rows.is_full = False
    message.read_into(0, part)
    expected = b"1" + octets_of(900) + b"2"
    assert bytes(part) == with_mac(expected, 0, len(expected))
