"""The reference messages, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from opensmets.security.keystore import KeyStore
from tests.reference import REFERENCE


def _folder() -> Path:
    assert REFERENCE is not None, "mark the test with needs_reference"
    return REFERENCE / "rtds"


@cache
def messages() -> dict[str, bytes]:
    """Return every reference message by `<folder>/<scenario>_<KIND>`."""
    files = sorted(_folder().glob("messages/*/*.HEX"))
    return {f"{file.parent.name}/{file.stem.removesuffix('_GBCS')}": bytes.fromhex(file.read_text()) for file in files}


@cache
def keystore() -> KeyStore:
    """Return the reference key store."""
    return KeyStore.open(_folder() / "keystore")


def decoded(name: str) -> str:
    """Return the reference's own decoding of a message, as text."""
    return (_folder() / "decoded" / f"{name}.txt").read_text()
