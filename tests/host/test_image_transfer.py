"""A firmware image's way to a meter that does not take it: the host gives up, and says what is wrong."""

from __future__ import annotations

import pytest

from opensmets.bench import images
from opensmets.bench.control import IMAGE, Frame, NoAnswer
from opensmets.layouts import firmware_image, link_frame
from opensmets.layouts.firmware_image import BLOCK, Image

WANTED = b"\x81"


class Forgetful:
    """A meter that answers each offer, and loses every block from one on."""

    def __init__(self, most: int) -> None:
        self.taken, self.most, self.blocks = 0, most, list[int]()
        self._answers: list[bytes] = []

    def send(self, channel: int, payload: bytes) -> None:
        """Take a request of the image channel."""
        assert channel == IMAGE
        if payload[0] == BLOCK:
            number = int.from_bytes(payload[1:5], "big")
            self.blocks.append(number)
            if number >= self.most:
                return
            self.taken = max(self.taken, number + 1)
        self._answers.append(WANTED + self.taken.to_bytes(4, "big"))

    def receive(self, timeout_s: float | None) -> Frame | None:
        """Return the next answer, if there is one."""
        return link_frame.Frame(link_frame.Channel(IMAGE), self._answers.pop(0)) if self._answers else None


@pytest.fixture
def octets() -> bytes:
    image = Image("unix-x64", "esme", bytes(4), {"smets/a.mpy": bytes(5000)}, bytes(64))
    assert firmware_image.decode(image.encode()) == image
    return image.encode()


def test_a_block_that_is_never_taken_ends_the_transfer(octets: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "ANSWER_TIMEOUT_S", 0.01)
    meter, shown = Forgetful(2), list[int]()
    with pytest.raises(NoAnswer, match="does not take block 2 of the image: `smets device log`"):
        images.send_image(meter, octets, on_progress=lambda done, size: shown.append(done))
    assert meter.blocks == [0, 1] + [2] * images.TRIES
    assert max(shown) == 2 * firmware_image.BLOCK_SIZE


def test_a_block_that_is_lost_now_and_then_does_not(octets: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Patient(Forgetful):
        """Takes a block at the last try."""

        def send(self, channel: int, payload: bytes) -> None:
            """Take a request of the image channel."""
            if payload[0] == BLOCK and self.blocks.count(self.most) == images.TRIES - 1:
                self.most += 1
            super().send(channel, payload)

    monkeypatch.setattr(images, "ANSWER_TIMEOUT_S", 0.01)
    monkeypatch.setattr(images, "FINISH_TIMEOUT_S", 0.01)
    meter = Patient(0)
    with pytest.raises(images.ImageRefused, match="asks for block"):  # it has them all, and does not say so
        images.send_image(meter, octets)
    assert meter.taken == -(-len(octets) // firmware_image.BLOCK_SIZE)
