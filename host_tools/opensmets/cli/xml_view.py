"""A response document as a program wants it (JSON) and as a person reads it (one line a value).

Both follow the document itself, whatever the service request: an element with children is a mapping, repeated elements
are a list, attributes bear an `@`, text beside attributes stands under `value`.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

Tree = dict[str, Any] | str


def read_document(document: bytes) -> etree._Element:
    """Return the root of a document that this host made itself."""
    return etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))


def as_tree(element: etree._Element) -> Tree:
    """Return an element's content as mappings, lists and text."""
    text = (element.text or "").strip()
    content: dict[str, Any] = {f"@{_name(key)}": value for key, value in element.attrib.items()}
    for child in element:
        name, value = _name(child.tag), as_tree(child)
        if name not in content:
            content[name] = value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    if not content:
        return text
    return content | ({"value": text} if text else {})


def as_json(document: bytes) -> dict[str, Any]:
    """Return a document as JSON-able data: one key, the root's name."""
    root = read_document(document)
    return {_name(root.tag): as_tree(root)}


def as_lines(element: etree._Element, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return every value below an element, each with the names that lead to it, in the document's order."""
    lines = [(_label((*path, _name(key))), str(value)) for key, value in element.attrib.items() if path]
    if len(element) == 0:
        text = (element.text or "").strip()
        return lines + ([(_label(path), text)] if text and path else [])
    names = [_name(child.tag) for child in element]
    seen: dict[str, int] = {}
    for child, name in zip(element, names, strict=True):
        seen[name] = seen.get(name, 0) + 1
        step = f"{name} {seen[name]}" if names.count(name) > 1 else name
        lines += as_lines(child, (*path, step))
    return lines


def answer_of(document: bytes) -> etree._Element | None:
    """Return the element of a response that holds what the service request asked for, or of an alert its content."""
    root = read_document(document)
    found = root.find(".//{*}SMETSData")
    if found is not None and len(found):
        return found[0]
    return root.find(".//{*}DeviceAlertContent")


def _label(path: tuple[str, ...]) -> str:
    return " / ".join(path)


def _name(tag: Any) -> str:
    return str(etree.QName(tag).localname)
