"""The language in which `catalogue/data/responses` says where each piece of a payload stands in MMC XML.

| layout | data | XML |
|---|---|---|
| `u32 Path` | a number | its decimal text at Path |
| `u32:seconds Path & Path` | a number | by a codec (`texts.CODECS`, or a map of the data file), at every Path |
| `u8<1..16> Path` | a number | only from 1 to 16; for texts the number of characters |
| `octets=00FF`, `u16=5`, `u16=#` | a value that is fixed; `#` is the row's number, `#0` from 0 | nothing |
| `octets:date Path` | a value with elements of its own inside Path (`shapes.SHAPES`) | |
| `scaler[0;30](Path, Path=Wh)` | scaler and unit of the number at the first Path | the unit's name, if asked for |
| `scaler[-5;254;99](Path)` | no number above 99 | |
| `packed(hex2 Path, number8 Path, ...)` | octets: fields of so many octets each | each field's text |
| `structure(a, b, ?c)` | a structure; parts with `?` may be missing, all together | |
| `sequence(a, b)` | an array whose elements have a place each | |
| `in(Path, a)` | a | paths in `a` start at Path |
| `array{16}(row) Path` | an array of at most 16 rows | one element a row |
| `array[48](u32) Path@index` | an array of 48 rows | the row's number in an attribute |
| `compact{100}(row) Path` | a compact array | one element a row |
| `compact{12}(row) Path[]` | rows whose paths bear `[#]` | |
| `$name` | the piece of that name in the file's `[layouts]` | |
| `any` | what the schema has no element for | |

A path is described in `tree`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from opensmets.layouts.axdr_leaves import INTEGERS, TAGS
from opensmets.parse import texts
from opensmets.parse.nodes import MOST, Constant, Leaf, Node, Rows, Scaler, Structure, Unmapped, Within
from opensmets.parse.packed import Packed
from opensmets.parse.shape import ShapeLeaf
from opensmets.parse.shapes import SHAPES
from opensmets.parse.tree import ParseError, Path

_TOKEN = re.compile(r"\s*([(),?&]|[^\s(),?&]+)")
_LEAF = re.compile(r"(\w+)(?::([\w-]+))?(?:<(-?\d+)\.\.(-?\d+)>)?(?:=([\w#-]*))?")
_ROWS = re.compile(r"(array|compact)(?:\[(\d+)\])?(?:\{(\d+)\})?")
_SCALER = re.compile(r"scaler\[(-?\d+);(\d+)(?:;(\d+))?\]")
_NO_LIMIT = 20_000
_DEFAULTS = {"octets": "hex", "visible": "characters", "utf8": "characters", "bool": "boolean"}


class _Reader:
    """One layout's words, read from left to right."""

    def __init__(self, text: str, maps: Mapping[str, Mapping[int, str]], pieces: Mapping[str, str]) -> None:
        for _ in range(8):
            text = re.sub(r"\$([\w-]+)", partial(self._piece, pieces), text)
        self.words = _TOKEN.findall(text)
        self.maps = maps
        self.at = 0

    @staticmethod
    def _piece(pieces: Mapping[str, str], match: re.Match[str]) -> str:
        if match[1] not in pieces:
            raise ParseError(f"layout: no piece ${match[1]}")
        return pieces[match[1]]

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, expected: str = "") -> str:
        word = self.peek()
        if expected and word != expected:
            raise ParseError(f"layout: {word or 'its end'!r} where {expected!r} belongs: {' '.join(self.words)[:80]}")
        self.at += 1
        return word

    def node(self) -> Node:
        word = self.take()
        if word == "any":
            return Unmapped()
        if word in ("structure", "sequence"):
            return self.structure("structure" if word == "structure" else "array")
        if word == "in":
            return self.within()
        if word == "packed":
            return self.packed()
        if match := _SCALER.fullmatch(word):
            return self.scaler(match)
        if match := _ROWS.fullmatch(word):
            return self.rows(match)
        if (match := _LEAF.fullmatch(word)) and match[1] in TAGS:
            return self.leaf(match)
        raise ParseError(f"layout: no such thing as {word!r}")

    def structure(self, kind: str) -> Node:
        nodes: list[Node] = []
        optional = set()
        self.take("(")
        while self.peek() not in (")", ""):
            if self.peek() == "?":
                self.take()
                optional.add(len(nodes))
            nodes.append(self.node())
            if self.peek() == ",":
                self.take()
        self.take(")")
        return Structure(tuple(nodes), frozenset(optional), kind)

    def within(self) -> Node:
        self.take("(")
        path = self.path()
        self.take(",")
        node = self.node()
        self.take(")")
        return Within(path, node)

    def packed(self) -> Node:
        fields = []
        self.take("(")
        while self.peek() not in (")", ""):
            fields.append((self.take(), self.path()))
            if self.peek() == ",":
                self.take()
        self.take(")")
        return Packed(tuple(fields))

    def scaler(self, match: re.Match[str]) -> Node:
        self.take("(")
        value, unit = self.path(), ""
        if self.peek() == ",":
            self.take()
            unit = self.take()
        self.take(")")
        place, _, name = unit.partition("=")
        most = int(match[3] or MOST)
        return Scaler(int(match[1]), int(match[2]), value, Path.parse(place) if unit else None, name, most)

    def rows(self, match: re.Match[str]) -> Node:
        self.take("(")
        node = self.node()
        self.take(")")
        size = int(match[2] or 0)
        path = self.take()
        beside = path.endswith("[]")
        most = int(match[3] or size or _NO_LIMIT)
        return Rows(match[1], node, Path.parse(path.removesuffix("[]")), most, size, beside)

    def leaf(self, match: re.Match[str]) -> Node:
        kind, name, low, high, constant = match.groups()
        if constant is not None:
            return Constant(kind, _constant(kind, constant), 0 if constant == "#0" else 1)
        paths = [self.path()]
        while self.peek() == "&":
            self.take()
            paths.append(self.path())
        if name in SHAPES:
            return ShapeLeaf(kind, SHAPES[name], paths[0])
        codec = self.codec(kind, name)
        if low:
            limit = texts.bounded if kind in INTEGERS or name == "octet" else texts.limited
            codec = limit(codec, int(low), int(high))
        return Leaf(kind, codec, tuple(paths))

    def codec(self, kind: str, name: str | None) -> texts.Codec:
        if name and name in self.maps:
            return texts.names(self.maps[name])
        try:
            return texts.CODECS[name or _DEFAULTS.get(kind, "number")]
        except KeyError:
            raise ParseError(f"layout: no codec, shape or map {name!r}") from None

    def path(self) -> Path:
        return Path() if self.peek() in ("(", ")", ",", "?", "&", "") else Path.parse(self.take())


def _constant(kind: str, text: str) -> object:
    if text in ("#", "#0"):
        return None
    if kind in ("octets", "bits"):
        return bytes.fromhex(text) if kind == "octets" else text
    return int(text)


def compile_layout(
    text: str, maps: Mapping[str, Mapping[int, str]] | None = None, pieces: Mapping[str, str] | None = None
) -> Node:
    """Return the node that a layout describes. Raises ParseError where it is not in this language."""
    reader = _Reader(text, maps or {}, pieces or {})
    node = reader.node()
    if reader.peek():
        raise ParseError(f"layout: {reader.peek()!r} after its end")
    return node


def compile_all(
    layouts: Sequence[str], maps: Mapping[str, Mapping[int, str]], pieces: Mapping[str, str]
) -> tuple[Node, ...]:
    """Return the nodes of several layouts."""
    return tuple(compile_layout(text, maps, pieces) for text in layouts)
