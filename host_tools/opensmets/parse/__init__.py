"""GBCS response or alert to MMC XML, without loss, and back.

`parse_response` and `parse_alert` make the document; `read_back` gives the payload's values again, the same that
`plain_response`, `plain_alert` and `plain_asn1` find in the message. Where a value stands is data
(`catalogue/data/responses`).
"""

from opensmets.parse.alert import parse_alert
from opensmets.parse.back import read_back
from opensmets.parse.header import read_header
from opensmets.parse.layouts import UnsupportedUseCase
from opensmets.parse.plain import plain_alert, plain_asn1, plain_response
from opensmets.parse.response import parse_response
from opensmets.parse.tree import NAMESPACE, ParseError

__all__ = [
    "NAMESPACE",
    "ParseError",
    "UnsupportedUseCase",
    "parse_alert",
    "parse_response",
    "plain_alert",
    "plain_asn1",
    "plain_response",
    "read_back",
    "read_header",
]
