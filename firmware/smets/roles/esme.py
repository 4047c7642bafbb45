"""A SMETS2 electricity meter: the rooms put together, and the loop that runs them.

Frames come in from the link; time goes on by the board's clock; what the meter has to tell goes out unasked. What a
command changed is on flash before its answer leaves.
"""

import gc
import os
import sys

from micropython import const

from smets.link import framing
from smets.link.ticks import ticks_diff, ticks_ms
from smets.message.envelope import BLOCK, BLOCK_HEAD, MAX_MESSAGE, Writer
from smets.on_demand import COLLECT_EVERY, call, collect, collect_every, fetch, forget
from smets.store.files import FLASH, StoreCorrupt
from smets.store.journal import Journal
from smets.trust.cells import TrustAnchors
from smets.trust.device_keys import DeviceKeys
from smets.trust.identity import answer_provisioned, read_identity

ROLE = "esme"

_READ_SIZE = const(256)
_PROVISIONING_MODULES = (
    "smets.trust.provisioning", "smets.trust.certificate", "smets.trust.der",
    "smets.trust.own_certificates", "smets.trust.manufacturer",
)  # fmt: skip
_IDLE_MS = const(100)
"""Longest wait for the link before time is let go on."""
_LONGEST_PAUSE_MS = const(5000)
"""How long the meter's time may wait for blocks of a long answer: load limiting and supply must not wait for longer."""
_BLOCK_TAG = const(0xE0)
_HUB_TIME_SIZE = const(5)
_LOG_TEXT = const(200)
_TIME_REQUEST = b'{"do": "status"}'
_FAILED = '{"ok": false, "why": "%s"}'
_CRASH_LOG = "smets.store.crash_log"
_UNPROVISIONED = "no meter yet: run `smets device provision --port PORT` (only provisioning requests are answered)"
_FAILURES = (OSError, MemoryError, RuntimeError, ValueError, StoreCorrupt)
"""What may fail in the field: a flash full, failing or damaged, a heap or stack at its end, a value too long."""


class Esme:
    """The device. `stream` is a link driver, `store` the folder of its state, `tables` that of the packed tables.

    `with_bench` opens the bench channel, `speed` is how many seconds pass for the meter in one. `prints_errors` is not
    for a device whose error output is its link. `board` names what firmware images must be for. `watchdog` is one that
    is armed already: the self-test of a firmware on trial feeds it. Raises StoreCorrupt when the store is damaged,
    OSError when it cannot be used.

    `trouble` is what it is to tell next as a threat to its integrity (integrity.py): an error that it survived, or,
    set by whoever starts it, that a "watchdog" or the "hardware" ended it before; or a "stranger" at its port.

    `measure(meter, time_s)`, when set, returns the load up to a time; it may let the meter live on to where it begins.
    `terminals` are what is wired to the meter: `follow(meter)` is called every round, with None before there is one.
    `starts_again` becomes true when the device has to start again, to run other firmware; all is on flash then.
    """

    def __init__(
        self, stream, store, tables=None, with_bench=False, speed=1, prints_errors=True, board="", watchdog=None
    ):
        self._stream = stream
        self.store = store
        self.board = board.encode()
        self.watchdog = watchdog
        self.tables = tables or call("smets.roles.tables_folder", "find")
        self.with_bench, self.speed = with_bench, speed
        self.measure, self.terminals = None, ()
        self._prints_errors, self._noted = prints_errors, ""
        self.trouble = None
        self.damaged = []  # logs that were told of
        collect_every(COLLECT_EVERY)
        # the large buffers first, while the heap is in one piece
        self._decoder = framing.FrameDecoder(MAX_MESSAGE + BLOCK_HEAD)
        self.writer = Writer()
        if not _exists(store):
            os.mkdir(store)
        self.journal = Journal(store + "/journal")
        self.keys = DeviceKeys(self.journal)
        self.anchors = TrustAnchors(self.journal, self.keys)
        self._input = bytearray(_READ_SIZE)
        self._output = bytearray(framing.MIN_BUFFER)
        self._last_ms = ticks_ms()
        self._left_ms = 0
        self._rooms = self._provisioning = self._blocks = self._images = None
        self._long_frames, self._past = 0, ()
        self.starts_again = False
        self._be_a_meter()

    def run(self, watchdog=None):
        """Run until the device is to start again, with other firmware, which whoever called this sees to; feed the
        watchdog after rounds that left what the device does on flash."""
        while not self.starts_again:
            self.run_once(_IDLE_MS)
            if watchdog and self.journal.is_writable():
                watchdog.feed()

    def has_slots(self):
        """Return whether an image was ever offered to the device."""
        return _exists(self.store + "/slots")

    def start_again(self):
        """Let `run` return. All state is on flash."""
        self.starts_again = True

    def run_once(self, timeout_ms):
        """Take what the link has, waiting up to `timeout_ms` for it, and let time go on."""
        count = self._stream.readinto(self._input, timeout_ms)
        self.catch_up()
        if count:
            self._decoder.feed(self._input, count)
            frame = self._next_frame()
            while frame and not self.starts_again:
                self._take_frame(frame[0], frame[1])
                frame = self._next_frame()
        elif self._images:
            self._close_images()
        meter = self._rooms and self._rooms.meter
        for terminal in self.terminals:
            self._guard(terminal.follow, meter)
        if self._rooms and not self.starts_again:
            self._guard(self._rooms.meter.release)  # what is due may want all the room that there is
            if self.trouble is not None:
                self._guard(self._tell_trouble, meter)
            self._guard(self._rooms.tell_events)
            self._guard(self._rooms.meter.release)

    def _next_frame(self):
        frame = self._decoder.next_frame()
        if self._long_frames != self._decoder.dropped_long:
            self._guard(self._tell_long_frame)
        return frame

    def catch_up(self):
        """Let the meter live up to now."""
        now_ms = ticks_ms()
        passed_ms, self._last_ms = ticks_diff(now_ms, self._last_ms), now_ms
        if self._blocks and self._blocks.is_over(passed_ms):
            self._blocks = None
        if not self._rooms:
            return
        bench = self._rooms.bench
        speed = bench.speed if bench else self.speed
        self._left_ms += passed_ms * speed
        if self._blocks and self._blocks.is_sending and self._left_ms < _LONGEST_PAUSE_MS * speed:
            return  # the heap hardly has room for both, and time that passes later is the same
        passed_s, self._left_ms = divmod(self._left_ms, 1000)
        if passed_s:
            meter = self._rooms.meter
            self._close_images()  # what is due may want the room
            self._guard(self._live, self._rooms, meter.time_s + passed_s)

    def _live(self, rooms, time_s):
        """Let the meter live up to a time; a long answer that it has no room beside is ended for it."""
        meter, load = rooms.meter, self.measure(rooms.meter, time_s) if self.measure else rooms.load()
        try:
            meter.advance(time_s, load)
        except MemoryError:
            if not (self._blocks and self._blocks.is_sending):
                raise
            self._blocks.drop()
            self._blocks = None
            meter.release()
            gc.collect()
            meter.advance(time_s, load)

    def open_log(self, name, record_size, capacity):
        """Return the store of one of the meter's logs; the device says so, and does without, when it is damaged."""
        if "smets.store.segments" not in sys.modules:
            collect()  # so that what comes lies together
        from smets.store.segments import SegmentLog  # until the logs are closed

        try:
            return SegmentLog(self.store + "/logs", name, record_size, capacity)
        except StoreCorrupt as error:
            return call("smets.roles.integrity", "stand_in", self, name, error)

    def log(self, text):
        """Send a line on the log channel."""
        self._send(framing.LOG, text[:_LOG_TEXT].encode())

    def _be_a_meter(self):
        """Put the meter's rooms together, if the device is provisioned."""
        identity = read_identity(self.journal)
        if identity is None:
            return
        self._provisioning = None
        forget(_PROVISIONING_MODULES)
        gc.collect()
        from smets.roles.meter_rooms import MeterRooms

        self.anchors.agree_all()
        self._rooms = MeterRooms(self, identity, self._send_message)
        if self.has_slots():
            call("smets.roles.firmware_start", "after_start", self, self._rooms.meter)
            self._rooms.meter.release()
        gc.collect()
        collect_every(-1)

    def _provision(self, request):
        if self._rooms:
            answer, is_allowed = answer_provisioned(request, self.journal, ROLE)
            self._send(framing.PROVISIONING, answer)
            if not is_allowed:
                self.trouble = "stranger"
            return
        if self._provisioning is None:
            from smets.trust.provisioning import Provisioning

            self._provisioning = Provisioning(self.journal, self.anchors, self.keys, ROLE)
        answer = self._provisioning.answer(request)
        self._be_a_meter()
        self._send(framing.PROVISIONING, answer)

    def _take_frame(self, channel, payload):
        if channel == framing.PROVISIONING:
            self._guard(self._provision, payload)
        elif channel == framing.LOG and not payload:
            self._guard(call, _CRASH_LOG, "tell", self.store, self.log)
        elif self._rooms is None:
            self.log(_UNPROVISIONED)
        elif channel == framing.MESSAGES:
            self._guard(self._answer, self._rooms, payload)
        elif channel == framing.FIRMWARE_IMAGE:
            self._guard(self._take_image, self._rooms, payload)
        elif channel == framing.HUB_TIME and len(payload) == _HUB_TIME_SIZE:
            self._guard(self._rooms.meter.hub_time, int.from_bytes(bytes(payload[:4]), "big"), payload[4])
        elif channel == framing.BENCH and self._rooms.bench:
            self._guard(self._answer_bench, self._rooms, payload)
        else:
            self.log("nothing is done with frames of channel %d and %d bytes" % (channel, len(payload)))

    def _answer(self, rooms, message):
        self._close_images()
        self._guard(rooms.meter.release)  # time may have gone on in this round, and left the logs open
        try:
            if len(message) and message[0] == _BLOCK_TAG:
                message = self._take_block(rooms, message)
                if message is None:
                    return
            if self._blocks:
                self._past = self._blocks.drop()  # the heap has room for one long answer,
                self._blocks = None if self._past else self._blocks  # and a long command wants that of the code
            rooms.settle()
            response = rooms.handler.handle(message)
            if isinstance(response, memoryview):
                self._send_message(response)
            elif response is not None:
                rooms.meter.release()  # block by block, the rest is made with what heap there is
                self._transfer(rooms).start(response)
        except MemoryError:
            rooms.meter.discard()  # or it would hold the heap for good, and be kept by the next command
            raise
        finally:
            rooms.meter.release()
            gc.collect()
            if self._past:
                self._transfer(rooms)

    def _take_block(self, rooms, apdu):
        blocks = self._transfer(rooms)
        message = blocks.take(apdu)
        if blocks.is_done:
            self._blocks = None
        return message

    def _transfer(self, rooms):
        """Return what is under way of messages in blocks, whose code is in the heap as long as something is."""
        if self._blocks is None:
            kind = fetch("smets.message.block_transfer", "Blocks")
            room = self.writer.room(BLOCK_HEAD + BLOCK)
            self._blocks = kind(self._send_message, self._decoder, rooms.handler.refuse_long, room, self._past)
            self._past = ()
        return self._blocks

    def _tell_long_frame(self):
        self._long_frames = self._decoder.dropped_long
        self.log("a message of more than %d octets was dropped" % MAX_MESSAGE)
        if self._blocks:
            self._blocks.end_long()
        elif self._rooms:
            self._rooms.handler.refuse_long()

    def _take_image(self, rooms, request):
        """Answer the image channel; image_news.py says what becomes of a whole one, with the receiver gone."""
        if self._images is None:
            rooms.meter.release()
            self._images = fetch("smets.update.transfer", "Transfer")(self.store, self.board, ROLE.encode())
        answer, outcome = self._images.take(request), self._images.outcome
        if outcome:
            self._close_images()
            answer = call("smets.roles.image_news", "conclude", self, rooms, outcome, answer)
        self._send(framing.FIRMWARE_IMAGE, answer)

    def _close_images(self):
        if self._images:
            self._images.close()
            self._images = None
            gc.collect()

    def _answer_bench(self, rooms, request):
        """Answer a bench request by code that is gone again before the meter lives on as it says."""
        answer = self._bench_answer(rooms, request)
        FLASH.hasten(True)
        try:
            if rooms.bench.until_s is not None:
                until_s, rooms.bench.until_s = rooms.bench.until_s, None
                self._live(rooms, until_s)
                rooms.meter.release()
                answer = self._bench_answer(rooms, _TIME_REQUEST)
            elif rooms.bench.later:
                answer = call(rooms.bench.later[0], "answer", rooms.meter, rooms.bench)
        except _FAILURES as error:
            rooms.meter.discard()
            self.note(error)
            answer = _FAILED % type(error).__name__
        finally:
            FLASH.hasten(False)
        self._send(framing.BENCH, answer if isinstance(answer, bytes) else answer.encode())

    def _bench_answer(self, rooms, request):
        self.catch_up()  # with the bench's code in the heap there is no room for a half hour
        arguments = request, rooms.meter, rooms.faults, None, rooms.counts, rooms.bench
        return call("smets.bench.control", "answer", *arguments)

    def _guard(self, step, *arguments):
        """Carry out a step; what may fail on a device in the field is noted and survived."""
        try:
            step(*arguments)
        except _FAILURES as error:
            self.note(error)

    def _tell_trouble(self, meter):
        trouble, self.trouble = self.trouble, None
        call("smets.roles.integrity", "tell", meter, trouble, self.journal.is_writable())

    def note(self, error):
        """Keep an error in the crash log, once while it repeats, and tell it on the log channel.

        One that threatens the meter's integrity is an event as well; a heap at its end is none, and has no room for it.
        """
        if self._prints_errors:
            _print_exception(error)
        text = "%s: %s" % (type(error).__name__, error)
        if text != self._noted:
            self._noted = text
            self.trouble = None if isinstance(error, MemoryError) else error
            try:
                call(_CRASH_LOG, "note", self.store, self._rooms.time_s() if self._rooms else 0, error)
            except _FAILURES:
                text += " (and no room to keep this)"
        self.log(text)

    def announce(self, payload):
        """Tell the devices of the home area network of an event."""
        self._send(framing.HAN_EVENT, payload)

    def _send_message(self, view):
        self._send(framing.MESSAGES, view)

    def _send(self, channel, payload):
        framing.encode_frame(channel, (payload,), self._output, self._stream.write)


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _print_exception(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, sys.stderr)  # type: ignore[arg-type]  # the stubs know only the boards' streams
    else:
        sys.stderr.write("%s: %s\n" % (type(error).__name__, error))
