"""The small language in which the catalogue says what an attribute's value is made of and where the meter keeps it.

    layout    = type [limits] ["(" layout, ... ")"] [binding] ["?" condition]
    type      = null bool i8 i16 i32 i64 u8 u16 u32 u64 enum octets visible utf8 bits date_time
                structure array compact choice protected
    limits    = "[" number [".." number] "]"
    binding   = "=" constant | ["passive" | "activation"] "@" path ["+" path ...]
    condition = single | twin | one_phase | three_phase

`u32 @registers.active_import_wh` is a number of the model. Limits are of a number its range, else of its length in
octets, characters, bits or elements. An `array`, `structure` or `compact` with a path of its own has its elements'
values from there, one child describing every element of an array (which has limits) or compact array; without one,
each child says where its own value is (constants and nulls take no value; `octets =` is the empty one). `date_time` is
an octet string of 12 bound to a `time_s`.
`passive @p` is the value that waits to replace `p`, `activation @p` the time at which it does. A layout with a false
condition is not there at all. `choice(a, b)` is what is set as an `a` or a `b`, by the type that comes, each bound to a
path of its own. `protected` is the argument of get_protected_attributes (class 30, method 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from opensmets.errors import SmetsError

#: Type names and their A-XDR tags; those above 24 are ours.
TAGS = {
    "null": 0, "array": 1, "structure": 2, "bool": 3, "bits": 4, "i32": 5, "u32": 6, "octets": 9, "visible": 10,
    "utf8": 12, "i8": 15, "i16": 16, "u8": 17, "u16": 18, "compact": 19, "i64": 20, "u64": 21, "enum": 22,
    "date_time": 25, "protected": 30, "choice": 31,
}  # fmt: skip
NUMBERS = {"bool": (0, 1), "enum": (0, 0xFF)} | {
    f"{sign}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64)
}
TEXTS = ("octets", "visible", "utf8", "bits")
CONTAINERS = ("structure", "array", "compact", "choice")
CONDITIONS = ("single", "twin", "one_phase", "three_phase")
ROLES = ("active", "passive", "activation")
MAX_ELEMENTS = 0xFFFF
_TOKEN = re.compile(r"\s*(?:(@[a-z_0-9.+]+)|(=-?\w*)|(\?\w+)|(-?\d+|\.\.|[a-z]\w*|[\[\](),]))")


@dataclass(frozen=True, slots=True)
class Layout:
    """One node of a value layout; the fields are those of the grammar above."""

    type: str
    limits: tuple[int, int] | None = None
    children: tuple[Layout, ...] = ()
    constant: int | bytes | None = None
    path: str | None = None
    role: str = "active"
    condition: str | None = None

    @property
    def homogeneous(self) -> bool:
        """Whether one child describes every element of an array or compact array."""
        child = self.children[0] if len(self.children) == 1 else None
        itself = bool(self.path or (self.limits and self.type == "array"))
        return self.type in ("array", "compact") and child is not None and (itself or not child.bound)

    @property
    def bound(self) -> bool:
        """Whether this node or one below it says where its value comes from."""
        return self.path is not None or self.constant is not None or any(child.bound for child in self.children)

    @property
    def wanting(self) -> bool:
        """Whether the value, or a part of it, comes from the array or structure that the node stands in."""
        if self.path or self.constant is not None or self.type in ("null", "protected"):
            return False
        return not self.children or any(child.wanting for child in self.children)

    def present(self, conditions: frozenset[str]) -> bool:
        """Return whether the node is there on a meter of these conditions."""
        return self.condition is None or self.condition in conditions

    def paths(self) -> Iterator[str]:
        """Every model path that the layout names."""
        yield from self.path.split("+") if self.path else ()
        for child in self.children:
            yield from child.paths()


@dataclass
class _Parser:
    text: str
    tokens: list[str] = field(default_factory=list)

    def parse(self) -> Layout:
        position = 0
        while position < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, position)
            if not match:
                raise self.error(f"nothing can start with {self.text[position:].strip()[:12]!r}")
            self.tokens.append(match[0].strip())
            position = match.end()
        layout = self.layout()
        if self.tokens:
            raise self.error(f"{self.tokens[0]!r} is left over")
        return layout

    def error(self, why: str) -> SmetsError:
        return SmetsError(f"catalogue layout {self.text!r}: {why}")

    def take(self, *wanted: str) -> str | None:
        """Take the next token if it is one of `wanted`, or starts with one where that is a sign."""
        if self.tokens and (self.tokens[0] in wanted or (self.tokens[0][0] in "@=?" and self.tokens[0][0] in wanted)):
            return self.tokens.pop(0)
        return None

    def layout(self) -> Layout:
        name = self.tokens.pop(0) if self.tokens else ""
        if name not in TAGS:
            raise self.error(f"{name!r} is no type")
        limits = self.limits() if self.take("[") else None
        children = self.children() if self.take("(") else ()
        role = self.take(*ROLES[1:]) or "active"
        constant, path = self.take("="), self.take("@")
        condition = self.take("?")
        node = Layout(
            name, limits, children, self.constant(name, constant), path and path[1:], role, condition and condition[1:]
        )
        self.check(node)
        return node

    def limits(self) -> tuple[int, int]:
        low = self.number()
        high = self.number() if self.take("..") else low
        if not self.take("]") or high < low:
            raise self.error("limits are [n] or [low..high]")
        return low, high

    def number(self) -> int:
        try:
            return int(self.tokens.pop(0))
        except (IndexError, ValueError):
            raise self.error("a limit is a number") from None

    def children(self) -> tuple[Layout, ...]:
        found = [self.layout()]
        while self.take(","):
            found.append(self.layout())
        if not self.take(")"):
            raise self.error("a ) is missing")
        return tuple(found)

    def constant(self, name: str, token: str | None) -> int | bytes | None:
        if token is None:
            return None
        try:
            return bytes.fromhex(token[1:]) if name in TEXTS else int(token[1:])
        except ValueError:
            raise self.error(f"{token!r} is no constant for {name}") from None

    def check(self, node: Layout) -> None:
        if bool(node.children) != (node.type in CONTAINERS):
            raise self.error(f"{node.type} {'has' if node.children else 'needs'} elements in parentheses")
        if node.constant is not None and node.path:
            raise self.error("a value is either constant or the model's")
        if node.role != "active" and not node.path:
            raise self.error(f"{node.role} needs a path")
        if node.condition and node.condition not in CONDITIONS:
            raise self.error(f"{node.condition!r} is none of {', '.join(CONDITIONS)}")
        if node.type == "choice" and (node.path or not all(child.path for child in node.children)):
            raise self.error("each of a choice has a path, the choice none")
        if node.homogeneous and node.type == "array" and not node.limits:
            raise self.error("an array needs its limits, as in array[0..48](u32)")
        self.check_packable(node)

    def check_packable(self, node: Layout) -> None:
        """Refuse what the packed form has no room for: numbers are i32 there, lengths u16."""
        if node.limits and node.type not in (*NUMBERS, *TEXTS, *CONTAINERS):
            raise self.error(f"{node.type} takes no limits")
        low, high = (-(1 << 31), (1 << 31) - 1) if node.type in NUMBERS else (0, MAX_ELEMENTS)
        numbers = [*(node.limits or ()), *([node.constant] if isinstance(node.constant, int) else [])]
        if any(not low <= number <= high for number in numbers):
            raise self.error(f"limits and constants of {node.type} lie within {low} and {high}")


def parse_layout(text: str) -> Layout:
    """Read one layout. Raises SmetsError, quoting the text, when it is not one."""
    return _Parser(text).parse()
