"""The DUIS requests that there are: each body's element and what it may contain.

The data files are `data/requests/*.toml`, a table a service reference variant: `element` is the body's element,
`attributes` its attributes and `content` what stands in it, one element a line, children indented by two spaces:

    line      = name [count] [", " name [count]]... attribute* [type | "&" shape] | ("choice" | "sequence") [count]
    count     = "?" | "{" n "}" | "{" n ".." m "}"
    attribute = "@" name ["?"] "=" type
    type      = bool datetime date time eui eui_list request_id | u8 u16 u32 u64 i8 i16 i32 i64 | "int" bounds
              | "decimal" bounds ["digits" n]
              | ("text" | "base64" | "hex") [bounds] ["/" pattern "/"] | value ("|" value)*
    bounds    = [least] ".." [most]         of a number its range, else of its length in characters or octets

Several names on one line are elements alike in all but the name. An element without type has no text. Attributes' types
are written without `int`. A shape is a content that several requests share; they are in `shapes.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from opensmets.errors import SmetsError

#: Type names that need no bounds.
PLAIN_TYPES = ("bool", "datetime", "date", "time", "eui", "eui_list", "request_id")
#: Integer types by their range.
INTEGERS = {
    f"{sign}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64)
}
SIZED_TYPES = ("text", "base64", "hex")
_NAME = re.compile(r"([A-Za-z]\w*)(\?|\{(\d+)(?:\.\.(\d+))?\})?")
_ATTRIBUTE = re.compile(r"@(\w+)(\?)?=(\S+)\s*")
_BOUNDS = re.compile(r"(-?[\d.]*?)\.\.(-?[\d.]*)")
_VALUE = re.compile(r'"([^"]*)"|([^|"\s]+)')


@dataclass(frozen=True, slots=True)
class TextType:
    """What the text of an element or attribute may be.

    `kind` is `int`, `decimal`, `values` or a type name. `least` and `most` bound a number's value or another's length.
    """

    kind: str
    least: str | None = None
    most: str | None = None
    digits: int | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element."""

    name: str
    required: bool
    type: TextType


@dataclass(frozen=True, slots=True)
class Particle:
    """An element (`name` is set) or a group of particles: how often it may stand, and what is in it."""

    name: str | None
    least: int = 1
    most: int = 1
    choice: bool = False
    attributes: tuple[Attribute, ...] = ()
    type: TextType | None = None
    children: tuple[Particle, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestContent:
    """A service reference variant's body: its one element."""

    variant: str
    body: Particle


def parse_type(text: str) -> TextType:
    """Read a type. Raises SmetsError when it is none."""
    word, _, rest = text.partition(" ")
    if text in PLAIN_TYPES:
        return TextType(text)
    if text in INTEGERS:
        least, most = INTEGERS[text]
        return TextType("int", str(least), str(most))
    if word in ("int", "decimal", *SIZED_TYPES, "eui_list"):
        return _parse_bounded(word, rest)
    values = tuple(match[1] if match[1] is not None else match[2] for match in _VALUE.finditer(text))
    if not values:
        raise SmetsError(f"catalogue type {text!r} is none of request_content's")
    return TextType("values", values=values)


def _parse_bounded(word: str, rest: str) -> TextType:
    found = TextType(word)
    bounds = _BOUNDS.match(rest)
    if bounds:
        found = replace(found, least=bounds[1] or None, most=bounds[2] or None)
        rest = rest[bounds.end() :].strip()
    if rest.startswith("digits "):
        return replace(found, digits=int(rest.removeprefix("digits ")))
    if rest.startswith("/") and rest.endswith("/"):
        return replace(found, pattern=rest[1:-1])
    if rest:
        raise SmetsError(f"catalogue type {word} has {rest!r} where bounds or a pattern should be")
    return found


def _parse_attributes(text: str) -> tuple[tuple[Attribute, ...], str]:
    attributes = []
    while match := _ATTRIBUTE.match(text):
        bounded = _BOUNDS.fullmatch(match[3])
        attributes.append(Attribute(match[1], not match[2], parse_type(f"int {match[3]}" if bounded else match[3])))
        text = text[match.end() :]
    return tuple(attributes), text


def _parse_line(line: str, children: tuple[Particle, ...]) -> list[Particle]:
    names: list[re.Match[str]] = []
    while match := _NAME.match(line):
        names.append(match)
        line = line[match.end() :]
        if not line.startswith(", "):
            break
        line = line[2:]
    if not names:
        raise SmetsError(f"catalogue content line {line!r} does not begin with a name")
    attributes, text = _parse_attributes(line.strip())
    if text.startswith("&"):
        children, text = shape(text[1:]), ""
    text_type = parse_type(text) if text else None
    return [_particle(match, attributes, text_type, children) for match in names]


def _particle(
    match: re.Match[str], attributes: tuple[Attribute, ...], text_type: TextType | None, children: tuple[Particle, ...]
) -> Particle:
    least, most = 1, 1
    if match[2] == "?":
        least = 0
    elif match[2]:
        least, most = int(match[3]), int(match[4] or match[3])
    if match[1] in ("choice", "sequence"):
        return Particle(None, least, most, choice=match[1] == "choice", children=children)
    return Particle(match[1], least, most, False, attributes, text_type, children)


def parse_content(text: str) -> tuple[Particle, ...]:
    """Read a content: its lines in order. Raises SmetsError at a line that is not of the language."""
    lines = [line for line in text.splitlines() if line.strip()]
    particles, rest = _parse_block(lines, 0)
    if rest:
        raise SmetsError(f"catalogue content line {rest[0]!r} is indented too little")
    return particles


def _parse_block(lines: list[str], indent: int) -> tuple[tuple[Particle, ...], list[str]]:
    particles: list[Particle] = []
    while lines and len(lines[0]) - len(lines[0].lstrip()) == indent:
        line, lines = lines[0].strip(), lines[1:]
        children: tuple[Particle, ...] = ()
        if lines and len(lines[0]) - len(lines[0].lstrip()) > indent:
            children, lines = _parse_block(lines, indent + 2)
        if line.startswith("&"):
            particles.extend(shape(line[1:]))
        else:
            particles.extend(_parse_line(line, children))
    return tuple(particles), lines


@cache
def _shapes() -> dict[str, str]:
    file = resources.files("opensmets.catalogue").joinpath("data/requests/shapes.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def shape(name: str) -> tuple[Particle, ...]:
    """Return a shared content by name. Raises SmetsError when there is none."""
    if name not in _shapes():
        raise SmetsError(f"no shape {name} in data/requests/shapes.toml")
    return parse_content(_shapes()[name])


@cache
def _entries() -> dict[str, dict[str, str]]:
    folder = resources.files("opensmets.catalogue").joinpath("data/requests")
    entries: dict[str, dict[str, str]] = {}
    for file in folder.iterdir():
        if file.name.endswith(".toml") and file.name != "shapes.toml":
            entries.update(tomllib.loads(file.read_text(encoding="utf-8")))
    return entries


def request_variants() -> tuple[str, ...]:
    """Return every service reference variant that DUIS has."""
    return tuple(_entries())


@cache
def request_content(variant: str) -> RequestContent:
    """Return what a service reference variant's body may be. Raises SmetsError when DUIS has no such variant."""
    if variant not in _entries():
        raise SmetsError(f"ServiceReferenceVariant {variant} is none of DUIS 5.4's")
    entry = _entries()[variant]
    attributes, _ = _parse_attributes(entry.get("attributes", ""))
    children = parse_content(entry.get("content", ""))
    return RequestContent(variant, Particle(entry["element"], attributes=attributes, children=children))
