"""What every binary layout shares: lengths, limits, and construct's errors turned into ours.

construct names the place of an error as a path of field names; `parse` and `build` put that path in the one line that
the user reads.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from construct import Construct, ConstructError, StreamError, Subconstruct

from opensmets.errors import SmetsError

#: The longest length that a GBCS message uses: `83 nn nn nn`, in a profile of many months.
MAX_LENGTH = 0xFFFFFF
_WIDTHS = (1, 2, 3)


#: construct's own wordings, and plainer ones.
_PLAINER: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"stream read less than specified amount, expected (\d+), found (\d+)", r"cut short: \2 of \1 octets"),
    (r"object failed validation: (\S+)", r"\1 is not a value that it may have"),
    (r"struct '.*' error during building, given value (\S+)", r"\1 is out of range"),
    (
        r"parsing expected (b['\"].*['\"]) but parsed (b['\"].*['\"])",
        lambda found: f"{_hex(found[2])} in place of {_hex(found[1])}",
    ),
)


def _hex(text: str) -> str:
    """Write a Python bytes literal in hex."""
    return bytes(ast.literal_eval(text)).hex().upper()


class LayoutError(SmetsError):
    """Octets do not have the shape of their layout, or a value does not fit it. The field is named."""


class _Field(ConstructError):  # type: ignore[misc]
    """A wire rule is broken; carries its text through construct to `parse` and `build`."""


def refuse(why: str, path: str) -> _Field:
    """Return the error to raise inside a construct when a rule of the wire is broken at `path`."""
    return _Field(why, path=path)


def encode_length(length: int) -> bytes:
    """Return the shortest length octets: one below 0x80, else `81 nn`, `82 nn nn` or `83 nn nn nn` (GBCS 7.2.5)."""
    if length < 0x80:
        return bytes((length,))
    if length > MAX_LENGTH:
        raise LayoutError(f"{length} octets do not fit a GBCS length (at most {MAX_LENGTH}); send less")
    width = (length.bit_length() + 7) // 8
    return bytes((0x80 + width,)) + length.to_bytes(width, "big")


class _Length(Construct):  # type: ignore[misc]
    """A length of one to four octets, refused when a shorter form would have done."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> int:
        first = stream.read(1)
        if not first:
            raise StreamError("no octet left for a length", path=path)
        if first[0] < 0x80:
            return first[0]
        width = first[0] - 0x80
        if width not in _WIDTHS:
            raise refuse(f"length octet {first[0]:02X} is none of 00..7F, 81, 82, 83", path)
        octets = stream.read(width)
        if len(octets) < width:
            raise StreamError("the length is cut short", path=path)
        length = int.from_bytes(octets, "big")
        if len(encode_length(length)) != 1 + width:
            raise refuse(f"length {length} is not in its shortest form", path)
        return length

    def _build(self, obj: int, stream: BytesIO, context: Any, path: str) -> int:
        try:
            stream.write(encode_length(obj))
        except LayoutError as error:
            raise refuse(str(error), path) from None
        return obj


#: A minimal length, as the envelope and A-XDR use it.
Length = _Length()


class Sized(Subconstruct):  # type: ignore[misc]
    """`subcon` in exactly the octets that a length before it counts; octets left over are an error."""

    def __init__(self, subcon: Any, length: Any = Length) -> None:
        super().__init__(subcon)
        self.length = length

    def _parse(self, stream: BytesIO, context: Any, path: str) -> Any:
        length = self.length._parsereport(stream, context, path)
        octets = stream.read(length)
        if len(octets) < length:
            raise StreamError(f"{length} octets announced, {len(octets)} present", path=path)
        inner = BytesIO(octets)
        value = self.subcon._parsereport(inner, context, path)
        if inner.tell() != length:
            raise refuse(f"{length - inner.tell()} octets left over of {length}", path)
        return value

    def _build(self, obj: Any, stream: BytesIO, context: Any, path: str) -> Any:
        inner = BytesIO()
        value = self.subcon._build(obj, inner, context, path)
        octets = inner.getvalue()
        self.length._build(len(octets), stream, context, path)
        stream.write(octets)
        return value


def _explain(error: ConstructError, what: str) -> str:
    # construct's text is "Error in path (parsing) -> field -> field", a line break, and the reason
    steps = (error.path or "").split(" -> ")[1:]
    steps = [step for step in steps if step != "items"]
    if len(steps) > 6:
        steps = [*steps[:3], "...", *steps[-2:]]
    reason = str(error).split("\n", 1)[-1].split("\n")[0].strip()
    for pattern, words in _PLAINER:
        reason = re.sub(pattern, words, reason)
    return f"{what}: {'/'.join(steps)}: {reason}" if steps else f"{what}: {reason}"


def parse(layout: Any, octets: bytes, what: str, **given: Any) -> Any:
    """Return `octets` read by `layout`, which has to take all of them.

    `what` names the thing in errors; `given` goes to the layout. Raises LayoutError naming the field.
    """
    stream = BytesIO(octets)
    try:
        value = layout.parse_stream(stream, **given)
    except ConstructError as error:
        raise LayoutError(f"{_explain(error, what)} (octet {stream.tell()} of {len(octets)})") from None
    if stream.tell() != len(octets):
        raise LayoutError(f"{what}: {len(octets) - stream.tell()} octets too many after its end at {stream.tell()}")
    return value


def parse_prefix(layout: Any, octets: bytes, what: str) -> tuple[Any, int]:
    """Return what `layout` reads from the front of `octets`, and how many it took. Raises LayoutError as `parse`."""
    stream = BytesIO(octets)
    try:
        return layout.parse_stream(stream), stream.tell()
    except ConstructError as error:
        raise LayoutError(_explain(error, what)) from None


def build(layout: Any, value: Any, what: str, **given: Any) -> bytes:
    """Return the octets of `value` in `layout`. Raises LayoutError naming the field that does not fit."""
    try:
        return bytes(layout.build(value, **given))
    except ConstructError as error:
        raise LayoutError(_explain(error, what)) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LayoutError(f"{what}: not a value of this layout ({error})") from None
