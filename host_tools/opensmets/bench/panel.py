"""The meter's display and keypad, reached over the bench channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opensmets.bench.control import Bench, NoAnswer
from opensmets.errors import SmetsError, UsageError

WIDTH = 16
HEIGHT = 8
KEYS = ("next", "back", "ok", "clear")


@dataclass(frozen=True)
class Page:
    """What the display shows: at most HEIGHT lines, the first its title, of at most WIDTH characters.

    `sounds` is the code of the event for which the meter sounds now, 0 when it is silent.
    """

    name: str
    lines: tuple[str, ...]
    sounds: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the page for a program."""
        return {"page": self.name, "lines": list(self.lines), "sounds": self.sounds}


def keys_of(words: Iterable[str]) -> list[str]:
    """Return single keys from words, each a key's name or digits. Raises UsageError for anything else."""
    keys: list[str] = []
    for word in words:
        if word in KEYS:
            keys.append(word)
        elif word.isascii() and word.isdigit():
            keys.extend(word)
        else:
            raise UsageError(f"the meter has no key {word!r}: it has digits, {', '.join(KEYS)}")
    return keys


class MeterPanel:
    """Somebody standing at the meter."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def page(self, *keys: str) -> Page:
        """Press keys one after the other, if any, and return what is shown then. Raises SmetsError."""
        for key in keys:
            self._ask(press=key)
            if key in ("next", "back"):
                self._ask()  # the meter turns by what it showed
        answer = self._ask()
        return Page(str(answer["page"]), tuple(map(str, answer["lines"])), int(answer["sounds"]))

    def _ask(self, **fields: Any) -> dict[str, Any]:
        try:
            return self._bench("panel", **fields)
        except NoAnswer as error:
            raise SmetsError(f"{error} Its bench channel must be open: `smets device run --bench`") from error
