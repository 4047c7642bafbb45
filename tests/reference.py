"""Where the third-party reference material lies, and how a test skips when it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def reference_path() -> Path | None:
    """Return the reference folder: $SMETS_REFERENCE, then ../shared beside the project, or None."""
    for candidate in (os.environ.get("SMETS_REFERENCE"), ROOT.parent / "shared"):
        if candidate and (Path(candidate) / "rtds").is_dir():
            return Path(candidate)
    return None


REFERENCE = reference_path()
needs_reference = pytest.mark.skipif(
    REFERENCE is None, reason="no reference data: set $SMETS_REFERENCE or put it at ../shared"
)
