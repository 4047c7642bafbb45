"""A host that is slow, or gone, gets frames whole or not at all, and is told how many it missed."""

from smets.link import framing
from smets.link.framing import FrameDecoder, encode_frame
from smets.link.whole_frames import WholeFrames


class Host:
    """Takes octets while it has room. `slow`: it makes some room for each wait, as a host that reads now and then."""

    def __init__(self, room, slow=0):
        self.room, self.slow, self.waits = room, slow, []
        self.taken = bytearray()
        self.frames = WholeFrames(self.write_some)

    def write_some(self, view, timeout_ms):
        if not self.room and timeout_ms:
            self.waits.append(timeout_ms)
            self.room = self.slow
        count = min(len(view), self.room)
        self.taken.extend(view[:count])
        self.room -= count
        return count

    def send(self, payload, channel=framing.MESSAGES):
        encode_frame(channel, (payload,), bytearray(framing.MIN_BUFFER), self.frames.write)

    def read(self):
        """Return the frames that came, and how many were broken; reading makes room for plenty."""
        decoder, found = FrameDecoder(), []
        data = bytes(self.taken)
        decoder.feed(data, len(data))
        frame = decoder.next_frame()
        while frame:
            found.append((frame[0], bytes(frame[1])))
            frame = decoder.next_frame()
        self.taken, self.room = bytearray(), 1000000
        return found, decoder.dropped_crc + decoder.dropped_cobs + decoder.dropped_length


def payload(number, size=300):
    return bytes((number,)) * size


def test_a_slow_host_misses_nothing():
    host = Host(0, slow=10)
    for number in range(1, 6):
        host.send(payload(number))
    assert host.read() == ([(framing.MESSAGES, payload(number)) for number in range(1, 6)], 0)
    assert host.frames.dropped == 0 and host.waits


def test_a_host_that_is_away_makes_the_meter_wait_once_and_is_told_what_it_missed():
    host = Host(0)
    for number in range(1, 8):
        host.send(payload(number))
    assert host.frames.dropped == 7 and len(host.waits) == 1
    assert host.read() == ([], 0)
    host.send(payload(8))
    log, message = host.read()[0]
    assert log[0] == framing.LOG and log[1].startswith(b"7 frames were dropped")
    assert message == (framing.MESSAGES, payload(8))
    host.send(payload(9))
    assert host.read() == ([(framing.MESSAGES, payload(9))], 0)


def test_only_the_frame_that_was_under_way_is_broken_wherever_there_is_no_room_any_more():
    for room in range(1, 700, 23):
        host = Host(room)
        for number in range(1, 6):
            host.send(payload(number))
        whole = room // 308
        found, broken = host.read()
        assert found == [(framing.MESSAGES, payload(number)) for number in range(1, whole + 1)], room
        assert host.frames.dropped == 5 - whole
        host.send(payload(6))
        after, more = host.read()
        assert [channel for channel, _ in after] == [framing.LOG, framing.MESSAGES] and after[1][1] == payload(6)
        assert broken + more <= 1 and after[0][1].startswith(b"%d frames" % (5 - whole))


def test_a_host_that_comes_back_in_the_middle_of_a_frame_is_right_with_the_next():
    host = Host(100)
    out = bytearray(600)
    length = encode_frame(framing.MESSAGES, (payload(1, 400),), out)
    host.frames.write(memoryview(out)[:200])
    host.room = 1000000  # it reads again, but some of the frame is lost already
    host.frames.write(memoryview(out)[200:length])
    host.send(payload(2))
    found, _ = host.read()
    assert found[-1] == (framing.MESSAGES, payload(2)) and found[0][1].startswith(b"1 frames")
    assert len(found) == 2
