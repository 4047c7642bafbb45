"""What the alert and event codes mean, in words (`data/alert_codes.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


@cache
def _descriptions() -> dict[int, str]:
    text = resources.files("opensmets.catalogue").joinpath("data/alert_codes.toml").read_text(encoding="utf-8")
    return {int(code, 16): entry["description"] for code, entry in tomllib.loads(text).items()}


def event_name(code: int) -> str:
    """Return what an alert or event code means; for a code that the catalogue lacks, words that say so."""
    return _descriptions().get(code, f"Code 0x{code:04X}, not in the catalogue")
