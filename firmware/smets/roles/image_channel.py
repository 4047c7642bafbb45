"""The channel of firmware images; image_news.py says what becomes of a whole one. In the heap while one comes."""

from smets.link import framing
from smets.on_demand import call
from smets.roles.esme import ROLE
from smets.update.transfer import Transfer


class ImageChannel:
    """Answers the requests of the channel, for a device."""

    def __init__(self, device):
        self._device = device
        self._transfer = Transfer(device.store, device.board, ROLE.encode())

    def take(self, request):
        """Answer a request. With the receiver gone, when it had an outcome."""
        device = self._device
        answer, outcome = self._transfer.take(request), self._transfer.outcome
        if outcome:
            device.close_images()
            answer = call("smets.roles.image_news", "conclude", device, outcome, answer)
        device.send(framing.FIRMWARE_IMAGE, answer)

    def close(self):
        """Let go of the receiver."""
        self._transfer.close()
        del self._transfer  # its code too
