"""The radio link's device side against itself over bad air: every byte arrives once and in order."""

import random

from smets.link.radio_stream import HEAD, MTU, PAYLOAD, TO_DEVICE, TO_HOST, RadioStream


class Air:
    """What is between two radios. It loses, repeats, reorders and delays by `chance` in a hundred."""

    def __init__(self, chance, seed):
        self._random, self._chance = random, chance
        random.seed(seed)
        self.queues = {TO_DEVICE: [], TO_HOST: []}
        self.longest = 0

    def carry(self, towards, datagram):
        self.longest = max(self.longest, len(datagram))
        queue = self.queues[towards]
        if self._hits():
            return
        place = len(queue)
        if self._hits():
            place = random.randint(0, len(queue))
        queue.insert(place, datagram)
        if self._hits():
            queue.append(datagram)

    def next(self, towards):
        queue = self.queues[towards]
        return queue.pop(0) if queue and not self._hits() else None

    def _hits(self):
        return random.randint(0, 99) < self._chance


class Radio:
    """One end; while it waits, the other end (`other`) lives."""

    def __init__(self, air, towards):
        self._air, self._towards, self.other = air, towards, None
        self.waits = False

    def send(self, view):
        self._air.carry(self._towards, bytes(view))

    def receive(self, buffer, timeout_ms):
        datagram = self._air.next(TO_DEVICE + TO_HOST - self._towards)
        if datagram is None and timeout_ms and self.other and not self.waits:
            self.waits = True
            self.other()
            self.waits = False
            datagram = self._air.next(TO_DEVICE + TO_HOST - self._towards)
        if datagram is None:
            return 0
        buffer[: len(datagram)] = datagram
        return len(datagram)

    def close(self):
        pass


def pair(chance, seed):
    """Two ends of one link; each lives while the other waits. Returns them, what each has received, and the air."""
    air = Air(chance, seed)
    radios = Radio(air, TO_HOST), Radio(air, TO_DEVICE)
    device, host = RadioStream(radios[0]), RadioStream(radios[1], TO_DEVICE)
    got = bytearray(), bytearray()

    def live(stream, place):
        buffer = bytearray(64)
        count = stream.readinto(buffer, 0)
        while count:
            got[place].extend(buffer[:count])
            count = stream.readinto(buffer, 0)

    radios[0].other = lambda: live(host, 1)
    radios[1].other = lambda: live(device, 0)
    return device, host, got, air


def some_bytes(size, seed):
    return bytes([(number * 7 + seed) & 0xFF for number in range(size)])


def test_good_air_carries_both_ways():
    device, host, got, air = pair(0, 1)
    device.write(some_bytes(1000, 1))
    host.write(some_bytes(2000, 2))
    assert bytes(got[1]) == some_bytes(1000, 1)
    assert bytes(got[0]) == some_bytes(2000, 2)
    assert air.longest == MTU


def test_bad_air_changes_nothing_but_the_time_it_takes():
    for seed in range(4):
        device, host, got, _ = pair(20, seed)
        for turn in range(6):
            device.write(some_bytes(300, turn))
            host.write(some_bytes(500, turn))
        sent = [b"".join([some_bytes(size, turn) for turn in range(6)]) for size in (500, 300)]
        for place, stream in enumerate((device, host)):
            buffer = bytearray(64)
            for _ in range(200):
                got[place].extend(buffer[: stream.readinto(buffer, 0)])
            assert bytes(got[place]) == sent[place], (seed, place, len(got[place]))


def test_a_repeated_or_older_datagram_is_acknowledged_and_not_taken_again():
    air = Air(0, 0)
    device = RadioStream(Radio(air, TO_HOST))
    buffer = bytearray(PAYLOAD)
    for number, text in ((1, b"one"), (2, b"two"), (1, b"one"), (2, b"two")):
        air.carry(TO_DEVICE, b"\x01host\x00" + bytes([number]) + text)
    taken = [bytes(buffer[: device.readinto(buffer, 0)]) for _ in range(4)]
    assert taken == [b"one", b"two", b"", b""]
    assert air.queues[TO_HOST] == [b"\x81host\x00" + bytes([number]) for number in (1, 2, 1, 2)]


def test_numbers_go_round():
    air = Air(0, 0)
    device = RadioStream(Radio(air, TO_HOST))
    buffer = bytearray(PAYLOAD)
    for number in (0xFFFE, 0xFFFF, 0, 1, 0xFFFF):
        air.carry(TO_DEVICE, b"\x01host" + number.to_bytes(2, "big") + b"x")
    assert [device.readinto(buffer, 0) for _ in range(5)] == [1, 1, 1, 1, 0]


def test_the_epoch_before_is_passed_over():
    """What a host that has gone left in the air must not come between the words of the next one."""
    air = Air(0, 0)
    device = RadioStream(Radio(air, TO_HOST))
    buffer = bytearray(PAYLOAD)
    for epoch in (b"old ", b"new ", b"old "):
        air.carry(TO_DEVICE, b"\x01" + epoch + b"\x00\x01" + epoch)
    assert [device.readinto(buffer, 0) for _ in range(3)] == [4, 4, 0]
    assert len(air.queues[TO_HOST]) == 2


def test_noise_is_no_data():
    air = Air(0, 0)
    device = RadioStream(Radio(air, TO_HOST))
    for noise in (b"", b"\x01", b"\x01hos\x00\x01", b"\x02host\x00\x01abc", b"\xff" * MTU, b"\x81host\x00\x01"):
        air.carry(TO_DEVICE, noise)
        assert device.readinto(bytearray(HEAD), 0) == 0
    assert not air.queues[TO_HOST]


def test_what_nobody_acknowledges_is_dropped_and_the_frame_after_it_is_whole():
    air = Air(0, 0)
    device = RadioStream(Radio(air, TO_HOST))
    device.write(b"unheard\x00")
    host = RadioStream(Radio(air, TO_DEVICE), TO_DEVICE)
    air.queues[TO_HOST].clear()
    radio = device._radio
    heard = bytearray()
    buffer = bytearray(64)

    def live():
        heard.extend(buffer[: host.readinto(buffer, 0)])

    radio.other = live
    device.write(b"heard\x00")
    assert bytes(heard) == b"\x00heard\x00"
