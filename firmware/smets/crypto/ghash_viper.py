"""GHASH's blocks in machine code (`viper`), many times faster than integers: Shoup's method with 4-bit tables.

Refuses to load where it does not give the known answer. Its `.mpy` is made for one core (`mpy-cross -march=`).
"""

import sys

import micropython
from micropython import const

if sys.implementation.name != "micropython":
    raise ImportError("viper is MicroPython's")

_BLOCK = const(16)
_TABLE_BYTES = const(320)


def key_table(hash_key):
    """Return what `absorb` needs of the 16-byte hash key, in native words.

    16 multiples of four words, entry 8 being the key itself; then 16 words that four powers shifted out bring back.
    """
    key = int.from_bytes(hash_key, "big")
    powers = bytearray()
    for _ in range(4):
        powers += key.to_bytes(_BLOCK, "big")
        key = key >> 1 ^ (0xE1 << 120 if key & 1 else 0)
    table = bytearray(_TABLE_BYTES)
    _fill(table, powers)  # type: ignore[arg-type]  # viper takes a buffer's address
    return table


@micropython.viper
def _fill(table: ptr32, powers: ptr8):  # noqa: F821 - viper's own
    # Entries 8, 4, 2 and 1 are the key times 1, x, x^2 and x^3; the others are sums of these
    at = int(0)
    entry = int(8)
    while entry > 0:
        for i in range(4 * entry, 4 * entry + 4):
            table[i] = powers[at] << 24 | powers[at + 1] << 16 | powers[at + 2] << 8 | powers[at + 3]
            at += 4
        table[64 + entry] = 0x1C20 * entry << 16
        entry >>= 1
    for entry in range(3, 16):
        one = entry & (0 - entry)
        rest = entry - one
        if rest:
            for i in range(4):
                table[4 * entry + i] = table[4 * one + i] ^ table[4 * rest + i]
            table[64 + entry] = table[64 + one] ^ table[64 + rest]


def absorb(table, state, data, start, count):
    """Take `count` whole blocks of the memoryview `data`, from byte `start` on, into the bytearray `state`."""
    _absorb(table, state, data[start : start + count * _BLOCK], count)


@micropython.viper
def _absorb(table: ptr32, state: ptr8, data: ptr8, count: int):  # noqa: F821 - viper's own
    # Shifts are masked, so that they are right for signed words and for words of 64 bits
    at = int(0)
    while count > 0:
        z0 = int(0)
        z1 = int(0)
        z2 = int(0)
        z3 = int(0)
        place = int(15)
        while place >= 0:
            byte = (state[place] ^ data[at + place]) << 4
            for _ in range(2):
                # The low half first, then the high one: from the highest power down
                returned = z3 & 15
                z3 = (z3 >> 4) & 0x0FFFFFFF | (z2 & 15) << 28
                z2 = (z2 >> 4) & 0x0FFFFFFF | (z1 & 15) << 28
                z1 = (z1 >> 4) & 0x0FFFFFFF | (z0 & 15) << 28
                entry = (byte >> 2) & 0x3C
                z0 = (z0 >> 4) & 0x0FFFFFFF ^ table[64 + returned] ^ table[entry]
                z1 ^= table[entry + 1]
                z2 ^= table[entry + 2]
                z3 ^= table[entry + 3]
                byte >>= 4
            place -= 1
        for i in range(4):
            shift = 24 - 8 * i
            state[i] = z0 >> shift
            state[4 + i] = z1 >> shift
            state[8 + i] = z2 >> shift
            state[12 + i] = z3 >> shift
        at += 16
        count -= 1


def _gives_known_answer():
    # SP 800-38D's test case 2: the cipher text's block under the hash key
    state = bytearray(_BLOCK)
    table = key_table(b"\x66\xe9\x4b\xd4\xef\x8a\x2c\x3b\x88\x4c\xfa\x59\xca\x34\x2b\x2e")
    absorb(table, state, b"\x03\x88\xda\xce\x60\xb6\xa3\x92\xf3\x28\xc2\xb9\x71\xb2\xfe\x78", 0, 1)
    return state == b"\x5e\x2e\xc7\x46\x91\x70\x62\x88\x2c\x85\xb0\x68\x53\x53\xde\xb7"


if not _gives_known_answer():
    raise ImportError("viper's GHASH is wrong here")
