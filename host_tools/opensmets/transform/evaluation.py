"""Turn templates of the catalogue and a request's body into data and access specifications."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from opensmets.catalogue.request_mappings import READ_VERBS, Mapping
from opensmets.catalogue.template import Constant, ItemTemplate, Template
from opensmets.catalogue.use_cases import Item, Reference, UseCase, parse_item
from opensmets.duis.validation import SPACE, InvalidRequest
from opensmets.errors import SmetsError
from opensmets.layouts.axdr import INTEGERS, TAGS, Data
from opensmets.layouts.xdlms import AccessItem
from opensmets.transform.conversions import CONVERSIONS
from opensmets.transform.log_reads import RANGE_SELECTOR, log_range, protected_read
from opensmets.transform.paths import find_all, holds, indexed, need, text
from opensmets.transform.scope import Scope

NULL = Data("null")
_CONTAINERS = ("structure", "array")
_BOOLEANS = {"true": 0xFF, "1": 0xFF, "false": 0, "0": 0}
Specification = tuple[AccessItem, Data]


def evaluate(template: Template, element: etree._Element, scope: Scope) -> Data:
    """Return a template's datum, its paths going from `element`.

    Raises SmetsError naming the element or the part of the catalogue that is wrong.
    """
    if template.word in CONVERSIONS:
        return CONVERSIONS[template.word](need(element, template.path or "."), scope)
    if template.word in _CONTAINERS:
        inner = template.elements or ()
        return Data(template.word, tuple(one for child in inner for one in _elements(child, element, scope)))
    if template.word == "null":
        return NULL
    if template.word not in TAGS:
        raise SmetsError(f"catalogue template word {template.word} is neither a type nor a conversion")
    return Data(template.word, _value(template, element))


def _elements(template: Template, element: etree._Element, scope: Scope) -> Iterator[Data]:
    if holds(template.condition, element, scope.facts):
        for one in indexed(find_all(element, template.each)) if template.each else [element]:
            yield evaluate(template, one, scope)


def _value(template: Template, element: etree._Element) -> Constant:
    if template.constant is not None:
        return template.constant
    if template.path is None:
        raise SmetsError(f"catalogue template word {template.word} has no value")
    written = text(element, template.path)
    if template.table:
        if written not in template.table:
            raise InvalidRequest(f"{template.path}: {written!r} is none of {', '.join(template.table)}")
        return template.table[written]
    return _read(template.word, written, template.path)


def _read(word: str, written: str, path: str) -> Constant:
    try:
        if word == "bool":
            return _BOOLEANS[written.strip(SPACE)]
        if word in INTEGERS or word == "enum":
            return int(written)
    except (KeyError, ValueError):
        raise InvalidRequest(f"{path}: {written!r} is no {word}") from None
    return written.encode("utf-8") if word == "octets" else written


def specifications(use_case: UseCase, mapping: Mapping, scope: Scope) -> list[Specification]:
    """Return the access specifications of a command, each with its datum.

    Raises SmetsError when the catalogue does not tell how to make one, InvalidRequest when the request asks for none.
    """
    if mapping.items:
        found = list(_placed(mapping, scope))
        if not found:
            raise InvalidRequest(f"{use_case.service_request}: asks for nothing; give at least one of its elements")
        return found
    return _in_order(use_case, mapping, scope)


def _placed(mapping: Mapping, scope: Scope) -> Iterator[Specification]:
    for item in mapping.items:
        if holds(item.condition, scope.body, scope.facts):
            place = parse_item(item.place or "")
            yield _access(place), evaluate(item.template, scope.body, scope)


def _in_order(use_case: UseCase, mapping: Mapping, scope: Scope) -> list[Specification]:
    found: list[Specification] = []
    templates = iter(mapping.data)
    for item, objects in _merged(use_case.items):
        if item.verb == "get":
            found.append((_access(item), NULL))
        elif item.verb == "range":
            found.append((_access(item, log_range(scope.body)), NULL))
        elif item.verb == "protected":
            found.append((_access(item), protected_read(objects, scope)))
        else:
            template = next(templates, None)
            found.extend(_written(use_case, item, template, scope))
    return found


def _written(use_case: UseCase, item: Item, template: ItemTemplate | None, scope: Scope) -> Iterator[Specification]:
    if template is None:
        raise SmetsError(f"{use_case.name}: the catalogue has no template for what it writes")
    if holds(template.condition, scope.body, scope.facts):
        yield _access(item), evaluate(template.template, scope.body, scope)


def _merged(items: tuple[Item, ...]) -> Iterator[tuple[Item, list[Reference]]]:
    """Yield items, protected reads of one data protection object as one with all the attributes that it reads."""
    at = 0
    while at < len(items):
        item, objects = items[at], []
        while at < len(items) and items[at].verb == "protected" and items[at].target == item.target:
            objects.append(items[at].inner or item.target)
            at += 1
        at += not objects
        yield item, objects


def _access(item: Item, selector: Data | None = None) -> AccessItem:
    verb = "action" if item.verb == "protected" else item.verb
    place = item.target
    return AccessItem(
        verb, place.class_id, place.obis, place.member, selector, RANGE_SELECTOR if selector is not None else 0
    )


def is_mapped(use_case: UseCase, mapping: Mapping) -> bool:
    """Return whether the catalogue tells how to make a use case's command."""
    if mapping.payload or mapping.items:
        return True
    writes = sum(item.verb not in READ_VERBS for item in use_case.items)
    return use_case.payload == "dlms" and bool(use_case.items) and writes == len(mapping.data)
