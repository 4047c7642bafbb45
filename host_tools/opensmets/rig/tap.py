"""A link that remembers what passed last, to show it decoded when a test fails."""

from __future__ import annotations

from collections import deque

from opensmets.layouts.link_frame import Channel, Frame
from opensmets.links import Link
from opensmets.security.keystore import KeyStore

KEPT = 6
WIDTH = 120


class Tap:
    """Has the calls of the Link that it is given, and keeps its last messages and what was noted between them."""

    def __init__(self, link: Link, keystore: KeyStore) -> None:
        self._link, self._keystore = link, keystore
        self._kept: deque[tuple[str, bytes | str]] = deque(maxlen=KEPT)

    @property
    def port(self) -> str:
        """The link's port."""
        return self._link.port

    def send(self, channel: int, payload: bytes) -> None:
        """Send one frame."""
        if channel == Channel.MESSAGES:
            self._kept.append(("to the meter", payload))
        self._link.send(channel, payload)

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came in time."""
        return self._seen(self._link.receive(timeout_s))

    def receive_waiting(self) -> Frame | None:
        """Return the next frame of what has come already, or None."""
        return self._seen(self._link.receive_waiting())

    def note(self, line: str) -> None:
        """Keep a line of text between the messages."""
        self._kept.append(("note", line))

    def clear(self) -> None:
        """Forget what passed."""
        self._kept.clear()

    def close(self) -> None:
        """Close the link."""
        self._link.close()

    def told(self) -> str:
        """Return what passed last as text, messages taken apart."""
        return "\n".join(f"{way}: {self._explained(what)}" for way, what in self._kept) or "none"

    def _seen(self, frame: Frame | None) -> Frame | None:
        if frame is not None and frame.channel == Channel.MESSAGES:
            self._kept.append(("from the meter", frame.payload))
        return frame

    def _explained(self, what: bytes | str) -> str:
        from rich.console import Console

        from opensmets.errors import SmetsError
        from opensmets.explain import explain
        from opensmets.explain.render import render

        if isinstance(what, str):
            return what
        console = Console(width=WIDTH, highlight=False, color_system=None)
        try:
            with console.capture() as capture:
                console.print(render(explain(what, self._keystore)))
        except SmetsError as error:
            return f"{what.hex().upper()} ({error})"
        return capture.get().rstrip()
