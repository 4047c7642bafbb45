"""How GBCS's ASN.1 names a trust anchor cell: SEQUENCE { role, key usage, [cell usage] } (GBCS 13.2)."""

from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN, MANAGEMENT

_USAGE_BITS = {DIGITAL_SIGNATURE: b"\x07\x80", KEY_AGREEMENT: b"\x03\x08", KEY_CERT_SIGN: b"\x02\x04"}
"""Key usage by bit number as the BIT STRING's content."""


def decode_usage(content):
    """Return the key usage that a BIT STRING's content names. Raises DerError for one that no cell has."""
    for usage, bits in _USAGE_BITS.items():
        if bits == content:
            return usage
    raise der.DerError("no key usage of a cell")


def encode_usage(usage):
    """Return the BIT STRING of a key usage."""
    return der.encode(der.BIT_STRING, _USAGE_BITS[usage])


def decode(view, start, stop):
    """Return (role, key usage, cell usage) of a cell's name, given its content. Raises DerError."""
    first, last = der.expect(view, start, stop, der.INTEGER)
    role = der.read_unsigned(view, first, last)
    first, last = der.expect(view, last, stop, der.BIT_STRING)
    usage, cell_usage = decode_usage(bytes(view[first:last])), MANAGEMENT
    if last < stop:
        first, last = der.expect(view, last, stop, der.INTEGER)
        cell_usage = der.read_unsigned(view, first, last)
    if last != stop:
        raise der.DerError("bytes after the cell")
    return role, usage, cell_usage


def encode_usages(usage, cell_usage):
    """Return the elements of a key usage and, unless it is management, the default, of a cell usage."""
    return encode_usage(usage) + (b"" if cell_usage == MANAGEMENT else der.encode_unsigned(der.INTEGER, cell_usage))


def encode(role, usage, cell_usage):
    """Return a cell's name as an element."""
    return der.encode(der.SEQUENCE, der.encode_unsigned(der.INTEGER, role), encode_usages(usage, cell_usage))
