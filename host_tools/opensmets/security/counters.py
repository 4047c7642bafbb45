"""Originator counters, kept beside the keys: they only go up, whatever happens in between.

`counters.json` maps `<eui>` to the last number used, `message` and `topup` apart. It is replaced whole, under a lock,
and is on the disc before a number is handed out: a number is never handed out twice.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from opensmets.errors import SmetsError
from opensmets.security.keystore import format_eui
from opensmets.security.utrn import COUNTER_STEP

Kind = Literal["message", "topup"]
FILE, LOCK = "counters.json", "counters.lock"
MAX_COUNTER = (1 << 64) - 1


class Counters:
    """The counters of one key store's folder."""

    def __init__(self, folder: str | Path) -> None:
        """Use `folder`; the file is made with the first number."""
        self.folder = Path(folder)

    def __repr__(self) -> str:
        """Name the folder."""
        return f"Counters({str(self.folder)!r})"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SmetsError(
                f"counters cannot be kept in {self.folder}: {error.strerror}; copy the key store"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _load(self) -> dict[str, dict[str, int]]:
        file = self.folder / FILE
        try:
            table = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            raise SmetsError(
                f"{file} cannot be read ({error}); put back a copy of it, as counters must not go down"
            ) from None
        if not isinstance(table, dict) or not all(_is_entry(entry) for entry in table.values()):
            raise SmetsError(f"{file} is not a table of counters; put back a copy of it, as counters must not go down")
        return table

    def _save(self, table: dict[str, dict[str, int]]) -> None:
        file = self.folder / FILE
        fresh = file.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(table, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)

    def highest(self, eui: bytes, kind: Kind = "message") -> int:
        """Return the last number used by a party, 0 before the first. Raises SmetsError when the file is damaged."""
        return self._load().get(eui.hex(), {}).get(kind, 0)

    def next(self, eui: bytes, kind: Kind = "message") -> int:
        """Take and return the next number: one more, or for a top-up the next multiple of 2^32."""
        with self._locked():
            return self._take(eui, kind, self.highest(eui, kind) + (1 if kind == "message" else COUNTER_STEP))

    def use(self, eui: bytes, counter: int, kind: Kind = "message") -> None:
        """Take a number that a document brings. Raises SmetsError when it is not above the last one used."""
        with self._locked():
            last = self.highest(eui, kind)
            if counter <= last:
                raise SmetsError(
                    f"counter {counter} of {format_eui(eui)} is not above the last one used, {last}: the device would "
                    "refuse it as a replay; --renumber gives the document the next one"
                )
            self._take(eui, kind, counter)

    def follow(self, other: Counters) -> None:
        """Go on above the last numbers of another table: the parties are the same, and devices remember."""
        with self._locked():
            table = self._load()
            for eui, numbers in other._load().items():
                mine = table.setdefault(eui, {})
                mine.update({kind: max(number, mine.get(kind, 0)) for kind, number in numbers.items()})
            self._save(table)

    def _take(self, eui: bytes, kind: Kind, counter: int) -> int:
        if counter > MAX_COUNTER:
            raise SmetsError(f"the {kind} counter of {format_eui(eui)} is used up")
        table = self._load()
        table.setdefault(eui.hex(), {})[kind] = counter
        self._save(table)
        return counter


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and all(isinstance(number, int) and number >= 0 for number in entry.values())
