"""What a conversion may know besides the element that it converts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from opensmets.layouts.axdr import Data


@dataclass(frozen=True, slots=True)
class Scope:
    """One command in the making.

    `counter` is the message's originator counter, `party` the EUI of whom the answer is for (the supplementary party
    when there is one), `target` the device's. `facts` are those of catalogue/template.py, `cin` is the customer
    identification number that the DCC made, `other_device` the kind of device that a join is with.
    """

    body: etree._Element = field(repr=False)
    counter: int
    party: bytes
    target: bytes
    facts: dict[str, bool]
    cin: str = ""
    other_device: str = ""


#: Makes a datum of an element. Raises SmetsError naming the element when it cannot.
Conversion = Callable[[etree._Element, Scope], Data]
#: Makes a whole payload of a request's body.
PayloadMaker = Callable[[Scope], bytes]
