"""A message on its way in blocks (layouts/blocks.py), without I/O: cut up for a device, or put together again.

The host is the one who waits, so it is the one who asks: when nothing more comes, an `Outgoing` sends again what was
not confirmed, an `Incoming` confirms again what it has, and the device sends, or makes, the blocks after that.
"""

from __future__ import annotations

from opensmets.errors import SmetsError
from opensmets.layouts.blocks import BLOCK, MAX_COMMAND, MAX_MESSAGE, MAX_WINDOW, WINDOW, Block
from opensmets.layouts.wire import LayoutError, Length, parse_prefix

#: How long the next block or a confirmation is waited for before it is asked for, and how often that is done in a row.
#: A board makes a window of a profile in some seconds.
ASK_AFTER_S = 5.0
MAX_ASKS = 5


class TransferFailed(SmetsError):
    """A message in blocks cannot be sent or received whole."""


class Outgoing:
    """A command on its way to a device. Raises TransferFailed when it is longer than a device takes."""

    def __init__(self, octets: bytes) -> None:
        if len(octets) > MAX_COMMAND:
            raise TransferFailed(
                f"a command of {len(octets)} octets: a device takes {MAX_COMMAND}, so send less in one"
            )
        self._blocks = [octets[at : at + BLOCK] for at in range(0, len(octets), BLOCK)]
        self._confirmed = 0

    @property
    def done(self) -> bool:
        """Whether the device has it all."""
        return self._confirmed == len(self._blocks)

    def window(self, width: int = WINDOW) -> list[Block]:
        """Return the next blocks to be sent, those after the last one that was confirmed."""
        end = min(self._confirmed + min(max(width, 1), WINDOW), len(self._blocks))
        return [
            Block(at + 1, 0, self._blocks[at], last=at + 1 == len(self._blocks), streaming=at + 1 < end)
            for at in range(self._confirmed, end)
        ]

    def confirm(self, block: Block) -> list[Block]:
        """Take a confirmation and return what to send next; one that is older than another says nothing."""
        if not self._confirmed < block.confirmed <= len(self._blocks):
            return []
        self._confirmed = block.confirmed
        return self.window(block.window)


class Incoming:
    """A message on its way from a device, in blocks of any order, some twice, some lost."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytes] = {}
        self._whole = 0
        self._last: int | None = None
        self.size = 0

    @property
    def done(self) -> bool:
        """Whether it is here whole."""
        return self._last is not None and self._whole == self._last

    @property
    def octets(self) -> bytes:
        """What there is of it without a gap."""
        return b"".join(self._blocks[number] for number in range(1, self._whole + 1))

    @property
    def total(self) -> int | None:
        """How many octets the message says that it has, or None while that is not known; a signed one does not say."""
        first = self._blocks.get(1, b"")
        if first[:1] != b"\xdd":
            return None
        try:
            length, at = parse_prefix(Length, first[7:], "message: ciphered_length")
        except LayoutError:
            return None
        return 7 + at + int(length)

    def begins_another(self, block: Block) -> bool:
        """Return whether a block is the first of another message, rather than again the first of this one."""
        return block.number == 1 and self._blocks.get(1, block.octets) != block.octets

    def take(self, block: Block) -> Block | None:
        """Take a block and return the confirmation when one is due.

        Raises TransferFailed when the message gets longer than MAX_MESSAGE.
        """
        if block.number not in self._blocks and self._whole < block.number <= self._whole + MAX_WINDOW:
            self.size += len(block.octets)
            if self.size > MAX_MESSAGE:
                raise TransferFailed(f"the device sends more than the {MAX_MESSAGE} octets that a message may have")
            self._blocks[block.number] = block.octets
            if block.last:
                self._last = block.number
        while self._whole + 1 in self._blocks:
            self._whole += 1
        return None if block.streaming and not self.done else self.confirmation()

    def confirmation(self) -> Block:
        """Return the APDU that says what is here, and how many blocks are wanted next: no more than a gap has."""
        later = [number for number in self._blocks if number > self._whole]
        missing = min(later) - self._whole - 1 if later else WINDOW
        return Block(1, self._whole, last=True, window=min(missing, WINDOW))
