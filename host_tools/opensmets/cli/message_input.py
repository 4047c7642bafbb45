"""What a user hands over: a file, stdin or the text itself; and in it a DUIS document or one GBCS message.

A message may be written as octets, hexadecimal or base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from opensmets.cli.console import read_input
from opensmets.errors import UsageError

#: A message begins with a MAC header or a grouping header (GBCS 7.2.5, 7.2.7), a block of one with its tag.
FIRST_OCTETS = (0xDD, 0xDF, 0xE0)
ARGUMENT = "the argument"
MESSAGE = "a GBCS message"
_NOT_HEX = re.compile(r"0x|[\s:,-]", re.IGNORECASE)


def read_source(argument: str, wanted: str = MESSAGE) -> tuple[bytes, str]:
    """Return what an argument stands for, and how to call it: a file's content, stdin's for `-`, or its own text.

    Raises UsageError when it is neither a file nor the text of a document or a message.
    """
    if argument == "-":
        return read_input("-"), "stdin"
    if _exists(argument):
        return read_input(argument), argument
    data = argument.encode("utf-8", "surrogateescape")
    if argument.strip() and not is_xml(data) and _from_text(argument) is None:
        raise UsageError(f"{argument}: no such file; give {wanted}, as a file or - for stdin")
    return data, ARGUMENT


def _exists(argument: str) -> bool:
    try:
        return argument != "" and Path(argument).exists()
    except (OSError, ValueError):  # a text that no file could be called
        return False


def is_xml(data: bytes) -> bool:
    """Return whether this is meant to be an XML document."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def message_of(data: bytes, where: str, wanted: str = MESSAGE) -> bytes:
    """Return the message in what `read_source` gave. Raises UsageError when it is none of the forms."""
    if is_xml(data):
        raise UsageError(f"{where} is an XML document: a DUIS document is for `smets send` or `smets transform`")
    if data[:1] and data[0] in FIRST_OCTETS:
        return data
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise UsageError(
            f"{where} is not a GBCS message: it begins with {data[:1].hex().upper()}, not DD or DF"
        ) from None
    return _octets_of(text, where, wanted)


def read_message(argument: str) -> bytes:
    """Return the message that an argument names or is. Raises UsageError when it is none."""
    return message_of(*read_source(argument))


def _octets_of(text: str, where: str, wanted: str) -> bytes:
    if not _NOT_HEX.sub("", text):
        raise UsageError(f"{where} is empty: give {wanted}")
    octets = _from_text(text)
    if octets is None:
        raise UsageError(f"{where} is neither hexadecimal nor base64: give {wanted}")
    return octets


def _from_text(text: str) -> bytes | None:
    """Return the octets that hexadecimal or base64 stands for, or None when the text is neither."""
    try:
        return bytes.fromhex(_NOT_HEX.sub("", text))
    except ValueError:
        pass
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
