"""Request documents written by hand, for tests of both the reading of requests and what commands are made of them."""

from __future__ import annotations

SUPPLIER, NETWORK_OPERATOR = "90-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-02-00-00"
METER = "00-DB-12-34-56-78-90-A0"
#: 0x0000000102030405: every octet of it tells its place.
COUNTER = 4328719365
NAMESPACE = "http://www.dccinterface.co.uk/ServiceUserGateway"


def document(
    variant: str,
    body: str,
    *,
    command_variant: int = 1,
    originator: str = SUPPLIER,
    counter: int | str = COUNTER,
    version: str = "5.4",
    before: str = "",
    after: str = "",
) -> bytes:
    """Return a request document; `body` has no namespace prefixes, `before` and `after` stand around Body."""
    reference = ".".join(variant.split(".")[:2])
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<Request xmlns="{NAMESPACE}" schemaVersion="{version}">
  <Header>
    <RequestID>{originator}:{METER}:{counter}</RequestID>{before}
    <CommandVariant>{command_variant}</CommandVariant>
    <ServiceReference>{reference}</ServiceReference>
    <ServiceReferenceVariant>{variant}</ServiceReferenceVariant>
  </Header>
  <Body>{body}</Body>{after}
</Request>"""
    return text.encode("utf-8")
