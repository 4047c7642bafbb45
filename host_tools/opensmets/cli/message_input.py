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

#: A message begins with a MAC header or a grouping header (GBCS 7.2.5, 7.2.7).
FIRST_OCTETS = (0xDD, 0xDF)
ARGUMENT = "the argument"
_NOT_HEX = re.compile(r"0x|[\s:,-]", re.IGNORECASE)


def read_source(argument: str) -> tuple[bytes, str]:
    """Return what an argument stands for, and how to call it: a file's content, stdin's for `-`, or its own text."""
    if argument == "-":
        return read_input("-"), "stdin"
    if _is_file(argument):
        return read_input(argument), argument
    return argument.encode("utf-8", "surrogateescape"), ARGUMENT


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # a text that no file could be called
        return False


def is_xml(data: bytes) -> bool:
    """Return whether this is meant to be an XML document."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def message_of(data: bytes, where: str) -> bytes:
    """Return the message in what `read_source` gave. Raises UsageError when it is none of the forms."""
    if data[:1] and data[0] in FIRST_OCTETS:
        return data
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise UsageError(
            f"{where} is not a GBCS message: it begins with {data[:1].hex().upper()}, not DD or DF"
        ) from None
    return _octets_of(text, where)


def read_message(argument: str) -> bytes:
    """Return the message that an argument names or is. Raises UsageError when it is none."""
    return message_of(*read_source(argument))


def _octets_of(text: str, where: str) -> bytes:
    compact = _NOT_HEX.sub("", text)
    if not compact:
        raise UsageError(f"{where} is empty: give a GBCS message as a file, hexadecimal or base64")
    try:
        return bytes.fromhex(compact)
    except ValueError:
        pass
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        what = "neither a file nor hexadecimal nor base64" if where == ARGUMENT else "neither hexadecimal nor base64"
        raise UsageError(f"{where} is {what}: give a GBCS message in one of these forms") from None
