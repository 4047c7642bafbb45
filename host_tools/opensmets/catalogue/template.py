"""The small language in which the catalogue says what a command's datum is made of, and whence in the request.

    item      = ["if" condition ":"] [place "<-"] template            place = verb CLASS/OBIS/ID
    element   = ["if" condition ":"] ["each" path ":"] template
    template  = word ["(" [element ("," element)*] ")"] ["=" constant | "@" path] [table]
    table     = "{" value "=" constant ("," value "=" constant)* "}"
    condition = ["!"] (path ["=" value] | fact)
    path      = "." | [step ("/" step)*] [":" attribute]
    step      = "*" | name ["[" index | child "=" value "]"]
    constant  = integer | "true" | "false" | "x" hex digits | "b" bits

A word is an A-XDR type (`u32`, `octets`, `structure`, `array`...) or the name of a conversion that `transform/` has
(`activation`, `date_time @RestrictionDateTime`). Paths go from the request's body element; within `each` from the
element that it is at. An index picks the elements whose `index` attribute it is, `[Phase=2]` those with such a child;
`each` goes by that attribute, too. `{Disable=true, Unchanged=false}` says which value a text stands for. Facts
(`twin`, `polyphase`) are written small; they are what the document cannot know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from opensmets.errors import SmetsError

FACTS = ("twin", "polyphase")
_TOKEN = re.compile(
    r"\s*(?:@(?P<path>[A-Za-z0-9_./\[\]:=*]+)|=(?P<constant>-?\w+)|(?P<word>[a-z]\w*)|(?P<mark>[(){},]))"
)
_IF = re.compile(r"if (!?)([\w./\[\]:*]+)(?:=([^:]+))?: *")
_EACH = re.compile(r"each ([\w./\[\]=]+): *")
_TABLE_ENTRY = re.compile(r"\s*(\w+)=(-?\w+)\s*")
Constant = int | bytes | str


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether something stands in the request (`path`), has a value, or a fact holds; turned round when `negated`."""

    subject: str
    value: str | None = None
    negated: bool = False

    @property
    def is_fact(self) -> bool:
        """Whether the document cannot answer it."""
        return self.subject in FACTS


@dataclass(frozen=True, slots=True)
class Template:
    """One node of a datum; the fields are those of the grammar. `elements` is None when there are no brackets."""

    word: str
    elements: tuple[Template, ...] | None = None
    constant: Constant | None = None
    path: str | None = None
    table: dict[str, Constant] = field(default_factory=dict, hash=False)
    condition: Condition | None = None
    each: str | None = None


@dataclass(frozen=True, slots=True)
class ItemTemplate:
    """One access specification: its datum, and `place` when it is not the use case's next item of the catalogue."""

    template: Template
    place: str | None = None

    @property
    def condition(self) -> Condition | None:
        """When the item is there at all."""
        return self.template.condition


def parse_item_template(text: str) -> ItemTemplate:
    """Read an item. Raises SmetsError naming where the text stops being one."""
    condition, rest = _parse_condition(text)
    place, arrow, datum = rest.partition("<-")
    if not arrow:
        place, datum = "", rest
    template, left = _parse_template(datum, text)
    if left.strip():
        raise SmetsError(f"catalogue template {text!r}: {left.strip()!r} is too much")
    return ItemTemplate(replace(template, condition=condition), place.strip() or None)


def parse_condition(text: str) -> Condition:
    """Read a condition alone. Raises SmetsError when it is none."""
    condition, rest = _parse_condition(f"if {text}:")
    if condition is None or rest:
        raise SmetsError(f"catalogue condition {text!r} is none")
    return condition


def _parse_condition(text: str) -> tuple[Condition | None, str]:
    text = text.lstrip()
    match = _IF.match(text)
    if not match:
        return None, text
    return Condition(match[2], match[3], bool(match[1])), text[match.end() :]


def _parse_constant(text: str, whole: str) -> Constant:
    try:
        if text in ("true", "false"):
            return 0xFF if text == "true" else 0
        if text.startswith("x"):
            return bytes.fromhex(text[1:])
        return text[1:] if text.startswith("b") else int(text)
    except ValueError:
        raise SmetsError(f"catalogue template {whole!r}: {text!r} is no constant") from None


def _parse_element(text: str, whole: str) -> tuple[Template, str]:
    condition, text = _parse_condition(text)
    match = _EACH.match(text)
    template, text = _parse_template(text[match.end() :] if match else text, whole)
    return replace(template, condition=condition, each=match[1] if match else None), text


def _next(text: str) -> tuple[str, str, str]:
    """Return the kind and text of the next token, and what follows; the kind is empty at the end or at no token."""
    match = _TOKEN.match(text)
    if not match or not match.lastgroup:
        return "", "", text
    return match.lastgroup, match[match.lastgroup], text[match.end() :]


def _parse_template(text: str, whole: str) -> tuple[Template, str]:
    kind, word, text = _next(text)
    if kind != "word":
        raise SmetsError(f"catalogue template {whole!r}: a type or conversion is missing at {text.strip()!r}")
    found = Template(word)
    kind, token, rest = _next(text)
    if (kind, token) == ("mark", "("):
        elements, text = _parse_elements(rest, whole)
        found = replace(found, elements=elements)
        kind, token, rest = _next(text)
    if kind == "constant":
        found, text = replace(found, constant=_parse_constant(token, whole)), rest
    elif kind == "path":
        found, text = replace(found, path=token), rest
    kind, token, rest = _next(text)
    if (kind, token) == ("mark", "{"):
        table, text = _parse_table(rest, whole)
        found = replace(found, table=table)
    return found, text


def _parse_elements(text: str, whole: str) -> tuple[tuple[Template, ...], str]:
    elements: list[Template] = []
    kind, token, rest = _next(text)
    if (kind, token) == ("mark", ")"):
        return (), rest
    while True:
        element, text = _parse_element(text, whole)
        elements.append(element)
        kind, token, text = _next(text)
        if (kind, token) == ("mark", ")"):
            return tuple(elements), text
        if (kind, token) != ("mark", ","):
            raise SmetsError(f"catalogue template {whole!r}: a comma or bracket is missing at {text.strip()!r}")


def _parse_table(text: str, whole: str) -> tuple[dict[str, Constant], str]:
    inside, closing, text = text.partition("}")
    table: dict[str, Constant] = {}
    for entry in inside.split(","):
        match = _TABLE_ENTRY.fullmatch(entry)
        if not match or not closing:
            raise SmetsError(f"catalogue template {whole!r}: {entry.strip()!r} is not value=constant")
        table[match[1]] = _parse_constant(match[2], whole)
    return table, text
