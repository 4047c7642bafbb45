"""Judge an XML element against the content that the catalogue declares for it (catalogue/request_content.py).

The rules are those of the schema's types; an error is one line that names the element, its path and what it may be.
"""

from __future__ import annotations

import base64
import binascii
import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal

from lxml import etree

from opensmets.catalogue.request_content import Particle, TextType
from opensmets.errors import UsageError

NAMESPACE = "http://www.dccinterface.co.uk/ServiceUserGateway"
SPACE = " \t\r\n"
_EUI = r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}"
_ZONE = r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?"
_TIME = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
_DATE = r"(?:[1-9]\d{4,}|\d{4})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_FORMS = {
    "bool": ("true|false|1|0", "true or false"),
    "datetime": (f"{_DATE}T{_TIME}{_ZONE}", "a date and time such as 2030-01-15T09:00:00.00Z"),
    "date": (f"{_DATE}{_ZONE}", "a date such as 2030-01-15Z"),
    "time": (f"{_TIME}{_ZONE}", "a time such as 09:30:00.00Z"),
    "eui": (_EUI, "an EUI-64 such as 00-DB-12-34-56-78-90-A0"),
    "eui_list": (f"{_EUI}(?:,{_EUI})*", "EUI-64s parted by commas"),
    "request_id": (f"{_EUI}:{_EUI}:(?:0|[1-9][0-9]{{0,19}})", "ORIGINATOR:TARGET:COUNTER"),
    "int": (r"[+-]?\d+", "a whole number"),
    "decimal": (r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", "a decimal number"),
}  # fmt: skip


class InvalidRequest(UsageError):
    """A document is not what the schema allows; the text names the element."""


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def text_of(element: etree._Element) -> str:
    """Return an element's text, comments left out."""
    return str(element.xpath("string()"))


def child_elements(element: etree._Element) -> list[etree._Element]:
    """Return the elements in an element, comments and processing instructions left out."""
    return [child for child in element if isinstance(child.tag, str)]


def validate(element: etree._Element, particle: Particle, path: str = "") -> None:
    """Judge `element`, whose name already fits, and all in it. Raises InvalidRequest at the first thing wrong."""
    where = path or local_name(element)
    _check_attributes(element, particle, where)
    children = child_elements(element)
    if particle.type:
        if children:
            raise InvalidRequest(f"{where}: contains {local_name(children[0])} where only text may be")
        check_text(text_of(element), particle.type, where)
        return
    _check_no_text(element, children, where)
    at = _match_all(particle.children, children, 0, path)
    if at < len(children):
        raise InvalidRequest(f"{_below(path, local_name(children[at]))}: not expected here; remove or move it")


def check_text(text: str, kind: TextType, where: str) -> None:
    """Judge a text by its type. Raises InvalidRequest naming `where`."""
    if kind.kind in _FORMS:
        form, told = _FORMS[kind.kind]
        if not re.fullmatch(form, text.strip(SPACE), re.ASCII):
            raise InvalidRequest(f"{where}: {_shown(text)} is not {told}")
    if kind.kind in ("date", "datetime"):
        _check_day(text.strip(SPACE), where)
    checks: dict[str, Callable[[str, TextType, str], None]] = {
        "values": _check_value, "int": _check_number, "decimal": _check_number, "text": _check_string,
        "base64": _check_octets, "hex": _check_octets, "request_id": _check_counter, "eui_list": _check_length,
    }  # fmt: skip
    if kind.kind in checks:
        checks[kind.kind](text, kind, where)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _check_value(text: str, kind: TextType, where: str) -> None:
    if text not in kind.values:
        raise InvalidRequest(f"{where}: {_shown(text)} is none of {', '.join(kind.values)}")


def _check_day(text: str, where: str) -> None:
    year, month, day = (int(part) for part in re.split("[-TZ+]", text)[:3])
    # the calendar module knows years to 9999; leap years repeat every 400
    if day > monthrange(2000 + year % 400, month)[1]:
        raise InvalidRequest(f"{where}: {_shown(text)} is a day that {year}-{month:02} does not have")


def _check_number(text: str, kind: TextType, where: str) -> None:
    text = text.strip(SPACE)
    number = Decimal(text)
    if kind.least is not None and number < Decimal(kind.least):
        raise InvalidRequest(f"{where}: {text} is below {kind.least}")
    if kind.most is not None and number > Decimal(kind.most):
        raise InvalidRequest(f"{where}: {text} is above {kind.most}")
    places = len(text.partition(".")[2].rstrip("0"))
    if kind.digits is not None and places > kind.digits:
        raise InvalidRequest(f"{where}: {text} has {places} decimal places, at most {kind.digits} are allowed")


def _check_string(text: str, kind: TextType, where: str) -> None:
    _check_length(text, kind, where)
    if kind.pattern is not None and not re.fullmatch(kind.pattern, text):
        raise InvalidRequest(f"{where}: {_shown(text)} has other characters than {kind.pattern}")


def _check_length(text: str, kind: TextType, where: str) -> None:
    _check_size(len(text), kind, where, "characters")


def _check_size(size: int, kind: TextType, where: str, unit: str) -> None:
    if kind.least is not None and size < int(kind.least):
        raise InvalidRequest(f"{where}: {size} {unit}, at least {kind.least} are needed")
    if kind.most is not None and size > int(kind.most):
        raise InvalidRequest(f"{where}: {size} {unit}, at most {kind.most} are allowed")


def _check_octets(text: str, kind: TextType, where: str) -> None:
    text = "".join(text.split())
    try:
        octets = base64.b64decode(text, validate=True) if kind.kind == "base64" else bytes.fromhex(text)
    except (binascii.Error, ValueError):
        told = "base64" if kind.kind == "base64" else "hexadecimal"
        raise InvalidRequest(f"{where}: is not {told}") from None
    _check_size(len(octets), kind, where, "octets")


def _check_counter(text: str, kind: TextType, where: str) -> None:
    if int(text.rpartition(":")[2]) >= 1 << 64:
        raise InvalidRequest(f"{where}: the counter does not fit 64 bits")


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _check_attributes(element: etree._Element, particle: Particle, where: str) -> None:
    given = {str(name): str(value) for name, value in element.attrib.items() if not str(name).startswith("{")}
    for attribute in particle.attributes:
        value = given.pop(attribute.name, None)
        if value is None and attribute.required:
            raise InvalidRequest(f"{where}: attribute {attribute.name} is missing")
        if value is not None:
            check_text(value, attribute.type, f"{where}: attribute {attribute.name}")
    if given:
        raise InvalidRequest(f"{where}: attribute {next(iter(given))} is not expected; remove it")


def _check_no_text(element: etree._Element, children: list[etree._Element], where: str) -> None:
    own = (element.text or "") + "".join(child.tail or "" for child in element)
    if own.strip(SPACE):
        raise InvalidRequest(f"{where}: has the text {_shown(own.strip(SPACE))} where only elements may be")


def _match_all(particles: tuple[Particle, ...], children: list[etree._Element], at: int, path: str) -> int:
    for particle in particles:
        at = _match(particle, children, at, path)
    return at


def _match(particle: Particle, children: list[etree._Element], at: int, path: str) -> int:
    """Take what `particle` allows from `children`, from `at` on; return where it ended.

    The schema is deterministic, so the next element's name decides.
    """
    for count in range(particle.most):
        if at >= len(children) or not _begins(particle, children[at]):
            if count < particle.least and not _may_be_empty(particle):
                raise _missing(particle, children, at, path, count)
            return at
        at = _match_once(particle, children, at, path)
    return at


def _match_once(particle: Particle, children: list[etree._Element], at: int, path: str) -> int:
    if particle.name:
        validate(children[at], particle, _below(path, particle.name))
        return at + 1
    if particle.choice:
        chosen = next(child for child in particle.children if _begins(child, children[at]))
        return _match(chosen, children, at, path)
    return _match_all(particle.children, children, at, path)


def _begins(particle: Particle, element: etree._Element) -> bool:
    """Whether `element` can be the first of `particle`."""
    if particle.name:
        return bool(element.tag == f"{{{NAMESPACE}}}{particle.name}")
    for child in particle.children:
        if _begins(child, element):
            return True
        if not particle.choice and child.least and not _may_be_empty(child):
            return False
    return False


def _may_be_empty(particle: Particle) -> bool:
    if particle.name:
        return False
    test = any if particle.choice else all
    return test(child.least == 0 or _may_be_empty(child) for child in particle.children)


def _names(particle: Particle) -> list[str]:
    if particle.name:
        return [particle.name]
    inner = particle.children if particle.choice else particle.children[:1]
    return [name for child in inner for name in _names(child)]


def _missing(particle: Particle, children: list[etree._Element], at: int, path: str, count: int) -> InvalidRequest:
    names = _names(particle)
    wanted = _below(path, names[0]) if len(names) == 1 else f"{path or 'body'}: one of {', '.join(names)}"
    found = f"; found {local_name(children[at])}" if at < len(children) else ""
    if count:
        return InvalidRequest(f"{wanted}: stands {count} times, {particle.least} are needed{found}")
    return InvalidRequest(f"{wanted} is missing{found}" if len(names) > 1 else f"{wanted}: is missing{found}")
