"""Find elements and values in a request's body by the paths of catalogue/template.py."""

from __future__ import annotations

import re

from lxml import etree

from opensmets.catalogue.template import Condition
from opensmets.duis.validation import NAMESPACE, InvalidRequest, child_elements, local_name, text_of

_STEP = re.compile(r"(\w+)(?:\[(?:(\w+)=)?(\w+)\])?")
#: Values that two words of XML stand for.
_SAME = {"1": "true", "0": "false"}


def find_all(element: etree._Element, path: str) -> list[etree._Element]:
    """Return every element at `path` (without attribute), in document order."""
    found = [element]
    for step in path.split("/") if path and path != "." else []:
        if step == "*":
            found = [child for one in found for child in child_elements(one)]
            continue
        match = _STEP.fullmatch(step)
        if not match:
            raise InvalidRequest(f"catalogue path {path!r}: {step!r} is no step")
        tag = f"{{{NAMESPACE}}}{match[1]}"
        found = [child for one in found for child in child_elements(one) if child.tag == tag]
        if match[3]:
            found = [child for child in found if _is_picked(child, match[2], match[3])]
    return found


def _is_picked(element: etree._Element, child: str | None, value: str) -> bool:
    written = text_at(element, child) if child else element.get("index")
    return written is not None and written.strip().lstrip("0+") == value


def indexed(elements: list[etree._Element]) -> list[etree._Element]:
    """Return elements in the order of their `index` attributes; as they stand when they have none.

    Raises InvalidRequest when the indexes leave one out: what is sent tells them by their order alone.
    """
    found = sorted(elements, key=lambda element: int(element.get("index") or 0))
    for place, element in enumerate(found, 1):
        if element.get("index") and int(element.get("index") or 0) != place:
            raise InvalidRequest(f"{local_name(element)}: index {place} is missing; number them from 1 without a gap")
    return found


def find(element: etree._Element, path: str) -> etree._Element | None:
    """Return the first element at `path`, or None."""
    return next(iter(find_all(element, path)), None)


def need(element: etree._Element, path: str) -> etree._Element:
    """Return the first element at `path`. Raises InvalidRequest when there is none."""
    found = find(element, path)
    if found is None:
        raise InvalidRequest(f"{path}: is missing")
    return found


def text_at(element: etree._Element, path: str) -> str | None:
    """Return the text of the element or attribute at `path`, or None when it is not there."""
    path, _, attribute = path.partition(":")
    found = find(element, path)
    if found is None:
        return None
    return found.get(attribute) if attribute else text_of(found)


def text(element: etree._Element, path: str) -> str:
    """Return the text of the element or attribute at `path`. Raises InvalidRequest when it is not there."""
    found = text_at(element, path)
    if found is None:
        raise InvalidRequest(f"{path}: is missing")
    return found


def number(element: etree._Element, path: str) -> int:
    """Return the whole number at `path`. Raises InvalidRequest when it is not there or none."""
    found = text(element, path)
    try:
        return int(found)
    except ValueError:
        raise InvalidRequest(f"{path}: {found!r} is not a whole number") from None


def holds(condition: Condition | None, element: etree._Element, facts: dict[str, bool]) -> bool:
    """Return whether a condition is met; no condition always is."""
    if condition is None:
        return True
    if condition.is_fact:
        met = facts[condition.subject]
    else:
        met = any(condition.value in (None, found) for found in _values(element, condition))
    return met != condition.negated


def _values(element: etree._Element, condition: Condition) -> list[str]:
    """Return what stands at a condition's path, each time that it does."""
    path, _, attribute = condition.subject.partition(":")
    found = [one.get(attribute) if attribute else text_of(one) for one in find_all(element, path)]
    words = [one.strip() for one in found if one is not None]
    return [_SAME.get(one, one) for one in words] if condition.value in _SAME.values() else words
