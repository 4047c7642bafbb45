"""A SMETS2 electricity meter: the rooms put together, and the loop that runs them.

Frames come in from the link; time goes on by the board's clock; what the meter has to tell goes out unasked. What a
command changed is on flash before its answer leaves. Here is what every round and every command wants: start.py puts
the device together, other_frames.py takes what is neither a message nor the bench's.
"""

import gc

from micropython import const

from smets.link import framing
from smets.link.ticks import ticks_diff, ticks_ms
from smets.message.envelope import MAX_WHOLE, Writer
from smets.meter.measurement import Measurement
from smets.on_demand import call, collect_often
from smets.store.files import StoreCorrupt

ROLE = "esme"

_READ_SIZE = const(256)
_IDLE_MS = const(100)
"""Longest wait for the link before time is let go on."""
_LONGEST_PAUSE_MS = const(5000)
"""How long the meter's time may wait for blocks of a long answer: load limiting and supply must not wait for longer."""
_BLOCK_TAG = const(0xE0)
_LOG_TEXT = const(200)
_FAILURES = (OSError, MemoryError, RuntimeError, ValueError, StoreCorrupt)
"""What may fail on a device in the field: a flash that is full or failing or damaged, a heap or stack at its end, a
value too long for either."""


class Esme:
    """The device. `stream` is a link driver, `store` the folder of its state, `tables` that of the packed tables.

    `with_bench` opens the bench channel, `speed` is how many seconds pass for the meter in one. `prints_errors` is not
    for a device whose error output is its link. `board` names what firmware images must be for. `watchdog` is one that
    is armed already: the self-test of a firmware on trial feeds it. Raises StoreCorrupt when the store is damaged,
    OSError when it cannot be used.

    `trouble` is what it is to tell next (integrity.py): an error that it survived, a "stranger" at its port; or, set by
    whoever starts it, why it starts: its "supply" was lost, a "watchdog" or the "hardware" ended it.

    `measure(meter, time_s)`, when set, returns the load up to a time; it may let the meter live on to where it begins.
    `terminals` are what is wired to the meter: `follow(meter)` is called every round, with None before there is one.
    `starts_again` is set when the device has to start again, to run other firmware, and all is on flash. It is so too
    when a device is provisioned that, as whoever starts it says, `starts_afresh`: what provisioning leaves of a small
    heap is in small pieces.
    `meter`, `handler`, `reporting` and `bench` are None before the device is provisioned, `bench` without one.
    """

    def __init__(
        self, stream, store, tables=None, with_bench=False, speed=1, prints_errors=True, board="", watchdog=None
    ):
        self._stream = stream
        self.store, self.board, self.watchdog = store, board.encode(), watchdog
        self.with_bench, self.speed = with_bench, speed
        self.measure, self.terminals, self._nothing = None, (), Measurement()
        self.prints_errors, self.noted, self.trouble = prints_errors, "", None
        self.damaged = []  # logs that were told of
        from smets.roles import start

        collect_often(True)
        # the large buffers first, while the heap is in one piece
        self.decoder = framing.FrameDecoder(MAX_WHOLE)
        self.writer = Writer()
        self._input = bytearray(_READ_SIZE)
        self._output = bytearray(framing.MIN_BUFFER)
        self.journal, self.keys, self.anchors = start.open_store(store)
        self.tables = tables or call("smets.roles.tables_folder", "find")
        self._last_ms = ticks_ms()
        self._left_ms = self._long_frames = 0
        self.provisioning = self.blocks = self.images = None
        self._past = ()
        self.starts_again = self.starts_afresh = False
        self.be_a_meter()

    def be_a_meter(self):
        """Put the meter's rooms together, if the device is provisioned."""
        from smets.roles import start

        self.meter, self.handler, self.reporting, self.bench = start.put_together(self)
        gc.collect()

    def run(self, watchdog=None):
        """Run until the device is to start again, with other firmware: whoever called this sees to that.

        The watchdog is fed by rounds that are over and left what the device does on flash.
        """
        while not self.starts_again:
            self.run_once(_IDLE_MS)
            if watchdog and self.journal.is_writable():
                watchdog.feed()

    def run_once(self, timeout_ms):
        """Tell of trouble, take what the link has, waiting up to `timeout_ms` for it, and let time go on."""
        if self.meter and self.trouble is not None:
            self.guard(call, "smets.roles.integrity", "tell_of", self)
        count = self._stream.readinto(self._input, timeout_ms)
        self.catch_up()
        if count:
            self.decoder.feed(self._input, count)
            frame = self._next_frame()
            while frame and not self.starts_again:
                self._take_frame(frame[0], frame[1])
                frame = self._next_frame()
        elif self.images:
            self.close_images()
        for terminal in self.terminals:
            self.guard(terminal.follow, self.meter)
        if self.meter and not self.starts_again:
            self.guard(self.meter.release)  # what is due may want all the room that there is
            self.guard(self.reporting.tell_events)
            self.guard(self.meter.release)

    def catch_up(self):
        """Let the meter live up to now; what of it fails is lived at the next call."""
        now_ms = ticks_ms()
        passed_ms, self._last_ms = ticks_diff(now_ms, self._last_ms), now_ms
        if self.blocks and self.blocks.is_over(passed_ms):
            self.blocks = None
        if not self.meter:
            return
        speed = self.bench.speed if self.bench else self.speed
        self._left_ms += passed_ms * speed
        if self.blocks and self.blocks.is_under_way and self._left_ms < _LONGEST_PAUSE_MS * speed:
            return  # the heap hardly has room for both, and time that passes later is the same
        passed_s = self._left_ms // 1000
        if passed_s:
            self.close_images()  # what is due may want the room
            since_s = self.meter.time_s
            self.guard(self.live, since_s + passed_s)
            self._left_ms -= (self.meter.time_s - since_s) * 1000

    def live(self, time_s):
        """Let the meter live up to a time; a long message that it has no room beside is ended for it."""
        load = self.bench.load if self.bench else self._nothing
        if self.measure:
            load = self.measure(self.meter, time_s)
        try:
            self.meter.advance(time_s, load)
        except MemoryError:
            if not (self.blocks and self.blocks.is_under_way):
                raise
            self.blocks.drop()
            self.blocks = None
            self.meter.release()
            gc.collect()
            self.meter.advance(time_s, load)

    def open_log(self, name, record_size, capacity):
        """Return the store of one of the meter's logs; the device says so, and does without, when it is damaged."""
        from smets.roles.log_stores import open_log  # until the logs are closed

        return open_log(self, name, record_size, capacity)

    def log(self, text):
        """Send a line on the log channel."""
        self.send(framing.LOG, text[:_LOG_TEXT].encode())

    def _next_frame(self):
        frame = self.decoder.next_frame()
        if self._long_frames != self.decoder.dropped_long:
            self._long_frames = self.decoder.dropped_long
            self.guard(call, "smets.roles.other_frames", "refuse_long", self, MAX_WHOLE)
        return frame

    def _take_frame(self, channel, payload):
        if self.meter and channel == framing.MESSAGES:
            self.guard(self._answer, payload)
        elif self.bench and channel == framing.BENCH:
            from smets.roles import bench_channel  # stays, as the bench does

            self.guard(bench_channel.answer, self, payload)
        elif self.images and channel == framing.FIRMWARE_IMAGE:
            self.guard(self.images.take, payload)
        else:
            self.guard(call, "smets.roles.other_frames", "take", self, channel, payload)

    def _answer(self, message):
        self.close_images()
        self.guard(self.meter.release)  # time may have gone on in this round, and left the logs open
        file = None
        try:
            if len(message) and message[0] == _BLOCK_TAG:
                message = self._take_block(message)
                if message is None:
                    return
            if self.blocks:
                file = self.blocks.kept
                self._past = self.blocks.drop(True)  # the heap has room for one long message,
                self.blocks = None  # and a long command wants that of the code
            self.reporting.settle()
            response = self.handler.handle(message)
            if isinstance(response, memoryview):
                self.send_message(response)
            elif response is None:
                self._past = ()  # what was refused is looked at again when it comes again
            else:
                self.meter.release()  # block by block, the rest is made with what heap there is
                self._transfer().start(response)
        except MemoryError:
            self.meter.discard()  # or it would hold the heap for good, and be kept by the next command
            raise
        finally:
            if file:
                file.close()
            self.meter.release()
            gc.collect()
            if self._past:
                self._transfer()

    def _take_block(self, apdu):
        message = self._transfer().take(apdu)
        if self.blocks.is_done:  # type: ignore[union-attr]
            self.blocks = None
        return message

    def _transfer(self):
        """Return what is under way of messages in blocks, whose code is in the heap as long as something is."""
        if self.blocks is None:
            self.blocks = call("smets.roles.block_channel", "begin", self, self._past)
            self._past = ()
        return self.blocks

    def close_images(self):
        """Let go of an image that is being received; what there is of it is on flash."""
        if self.images:
            self.images.close()
            self.images = None
            gc.collect()

    def guard(self, step, *arguments):
        """Carry out a step; what may fail on a device in the field is noted and survived."""
        try:
            step(*arguments)
        except _FAILURES as error:
            self.note(error)

    def note(self, error):
        """Keep an error in the crash log, once while it repeats, and tell it on the log channel.

        One that threatens the meter's integrity is an event as well; a heap at its end is none, and has no room for it.
        """
        try:
            call("smets.roles.failure", "note", self, error)
        except _FAILURES:
            self.log(type(error).__name__)  # no room to say more

    def announce(self, payload):
        """Tell the devices of the home area network of an event."""
        self.send(framing.HAN_EVENT, payload)

    def send_message(self, view):
        """Send a GBCS message."""
        self.send(framing.MESSAGES, view)

    def send(self, channel, *parts):
        """Send a frame whose payload is these octets in turn. Raises OSError as the link does."""
        framing.encode_frame(channel, parts, self._output, self._stream.write)
