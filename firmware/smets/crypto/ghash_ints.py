"""GHASH's blocks with Python integers: the back end that runs everywhere.

A block as a big-endian integer has its polynomial's lowest power in the highest bit. The carry-less product of two
such integers is gathered byte by byte from tables of 16 multiples, and reduced once at the end.
"""

from micropython import const

_BLOCK = const(16)
_MASK = (1 << 128) - 1


def key_table(hash_key):
    """Return what `absorb` needs of the 16-byte hash key: its 16 carry-less multiples, plain and times x^4."""
    key = int.from_bytes(hash_key, "big")
    low = [0, key]
    for i in range(1, 8):
        low.append(low[i] << 1)
        low.append(low[i] << 1 ^ key)
    return low, [multiple << 4 for multiple in low]


def absorb(table, state, data, start, count):
    """Take `count` whole blocks of `data`, from byte `start` on, into the bytearray `state`."""
    low, high = table
    value = int.from_bytes(state, "big")
    for at in range(start, start + count * _BLOCK, _BLOCK):
        value ^= int.from_bytes(data[at : at + _BLOCK], "big")
        product = 0
        for byte in value.to_bytes(_BLOCK, "big"):
            product = product << 8 ^ high[byte >> 4] ^ low[byte & 15]
        value = _reduced(product << 1)
    state[:] = value.to_bytes(_BLOCK, "big")


def _reduced(product):
    # The lower half are the powers from x^128 on, and x^128 = x^7 + x^2 + x + 1: shifts to the right in this
    # order of bits. What those shift out is shifted in once more at the top.
    low = product & _MASK
    low ^= (low << 127 ^ low << 126 ^ low << 121) & _MASK
    return product >> 128 ^ low ^ low >> 1 ^ low >> 2 ^ low >> 7
