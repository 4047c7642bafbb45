"""Any content that the catalogue allows a DUIS request to have, as hypothesis strategies made from its declaration.

Only what the types and counts say: a schedule may name a day that nothing defines. `Rules` is where a test says what
more has to hold of a request that means something.
"""

from __future__ import annotations

import base64
import datetime
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from opensmets.catalogue.request_content import Attribute, Particle, TextType, request_content
from opensmets.duis.compose import NAMESPACE, write_time

#: A strategy of texts for elements of a name, in place of what their type allows; None leaves the element out.
Rules = Mapping[str, st.SearchStrategy[str] | None]
Draw = Callable[[st.SearchStrategy[Any]], Any]
#: What a text without bound in the schema is bounded by here.
LONGEST = 64
#: How many more than have to be there an element is repeated, mostly.
FEW = 4
#: How many values of a kind hypothesis draws for a largest body: thousands would be more than it holds.
POOL = 12
#: Moments that the meter's 12 octets and its 32 bits of seconds hold, in hundredths of a second.
FIRST, LAST = datetime.datetime(2026, 12, 1), datetime.datetime(2090, 1, 1)
TIMES = st.times().map(lambda time: f"{time:%H:%M:%S}.{time.microsecond // 10_000:02}Z")
MOMENTS = st.datetimes(FIRST, LAST).map(lambda moment: write_time(moment.replace(tzinfo=datetime.UTC)))
DATES = st.dates(datetime.date(2014, 1, 1), datetime.date(9999, 12, 31)).map(lambda date: f"{date:%Y-%m-%d}Z")
_EUIS = st.binary(min_size=8, max_size=8).filter(any).map(lambda octets: octets.hex("-").upper())
_PLAIN: dict[str, st.SearchStrategy[str]] = {
    "bool": st.sampled_from(("true", "false", "1", "0")),
    "datetime": MOMENTS,
    "date": DATES,
    "time": TIMES,
    "eui": _EUIS,
    "eui_list": st.lists(_EUIS, min_size=1, max_size=3).map(",".join),
    "request_id": st.tuples(_EUIS, _EUIS, st.integers(0, (1 << 64) - 1).map(str)).map(":".join),
}


@cache
def texts(kind: TextType) -> st.SearchStrategy[str]:
    """Return a strategy of the texts that a type allows."""
    if kind.kind in _PLAIN:
        return _PLAIN[kind.kind]
    if kind.kind == "values":
        return st.sampled_from(kind.values)
    if kind.kind in ("int", "decimal"):
        step = Decimal(1).scaleb(-(kind.digits or 0))
        low, high = (int(Decimal(bound or 0) / step) for bound in (kind.least, kind.most))
        return st.integers(low, high).map(lambda number: str(number * step))
    sizes = int(kind.least or 0), int(kind.most or LONGEST)
    if kind.kind == "base64":
        return st.binary(min_size=sizes[0], max_size=sizes[1]).map(lambda octets: base64.b64encode(octets).decode())
    if kind.kind == "hex":
        return st.binary(min_size=sizes[0], max_size=sizes[1]).map(bytes.hex)
    if kind.pattern:
        found = st.from_regex(kind.pattern, fullmatch=True)
        return found.filter(lambda text: sizes[0] <= len(text) <= sizes[1])
    return st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=sizes[0], max_size=sizes[1])


def _elements(draw: Draw, particle: Particle, rules: Rules) -> list[etree._Element]:
    """Draw what stands for a particle: as many elements as it may be."""
    if _left_out(particle, rules):
        return []
    count = _most(particle) if isinstance(draw, Pool) else draw(_counts(particle))
    if particle.name:
        found = [_element(draw, particle, rules) for _ in range(count)]
        _number(draw, particle, found)
        return found
    chosen = [child for child in particle.children if not _left_out(child, rules)]
    if particle.choice and count:
        chosen = [chosen[draw(_places(len(chosen)))]]
    return [one for _ in range(count) for child in chosen for one in _elements(draw, child, rules)]


@cache
def _places(count: int) -> st.SearchStrategy[int]:
    """Return a strategy of places in a list of so many."""
    return st.integers(0, count - 1)


@cache
def _counts(particle: Particle) -> st.SearchStrategy[int]:
    """Return a strategy of how often something stands: mostly a few times, now and then as often as it may."""
    few = st.integers(particle.least, min(particle.most, particle.least + FEW))
    return few if particle.most <= particle.least + FEW else st.one_of(few, few, few, few, st.just(particle.most))


def _most(particle: Particle) -> int:
    """Return how often something stands in a largest body."""
    return min(particle.most, LONGEST)


class Pool:
    """Draws values for a largest body: a few of each kind by hypothesis, then those again, in an order of chance."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw, self._drawn = draw, dict[int, list[Any]]()
        self._chance = random.Random(draw(st.integers(0, (1 << 32) - 1)))

    def __call__(self, strategy: st.SearchStrategy[Any]) -> Any:
        found = self._drawn.setdefault(id(strategy), [])
        if len(found) < POOL:
            found.append(self._draw(strategy))
            return found[-1]
        return self._chance.choice(found)


def _left_out(particle: Particle, rules: Rules) -> bool:
    if particle.name is None:
        return all(_left_out(child, rules) for child in particle.children)
    return rules.get(particle.name, "") is None


def _element(draw: Draw, particle: Particle, rules: Rules) -> etree._Element:
    element = etree.Element(f"{{{NAMESPACE}}}{particle.name}")
    for attribute in particle.attributes:
        element.set(attribute.name, draw(texts(attribute.type)))
    if particle.type:
        element.text = draw(rules[particle.name] if particle.name in rules else texts(particle.type))
    for child in particle.children:
        element.extend(_elements(draw, child, rules))
    return element


def _number(draw: Draw, particle: Particle, found: list[etree._Element]) -> None:
    """Give elements of one name an index each of their own, in order, as the request requires of them."""
    attribute = next((one for one in particle.attributes if _is_index(one)), None)
    if attribute is None or particle.most == 1:
        return
    least, most = int(attribute.type.least or 0), int(attribute.type.most or 0)
    drawn = draw(_indexes(least, most, len(found)))
    for element, index in zip(found, sorted(drawn), strict=True):
        element.set(attribute.name, str(index))


@cache
def _indexes(least: int, most: int, count: int) -> st.SearchStrategy[list[int]]:
    """Return a strategy of so many different indexes."""
    return st.lists(st.integers(least, most), min_size=count, max_size=count, unique=True)


def _is_index(attribute: Attribute) -> bool:
    return attribute.name in ("index", "identifier") and attribute.type.kind == "int"


def bodies(
    variant: str,
    rules: Rules | None = None,
    repair: Callable[[etree._Element], None] | None = None,
    *,
    largest: bool = False,
) -> st.SearchStrategy[etree._Element]:
    """Return a strategy of the element in a request's Body. `repair` makes a drawn one mean something.

    In the `largest` all stands that may, as often as it may; of a choice, any.
    """

    body = request_content(variant).body

    @st.composite
    def drawn(draw: st.DrawFn) -> etree._Element:
        element = _element(Pool(draw) if largest else draw, body, rules or {})
        if repair:
            repair(element)
        return element

    return drawn()
