"""Top-up tokens: the 20-digit UTRN that a customer keys in, and the 64-bit PTUT inside it (GBCS 14).

    PTUT: 7 zero bits | counter bits 41..32 (10) | value class (2) | value (13) | last 32 bits of a GMAC tag

The originator counter of a token has a low word of zero; the device finds the bits above 41 from the tokens it has
accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

from opensmets.errors import SmetsError
from opensmets.layouts.envelope import COMMAND, MAC_PREFIX
from opensmets.security import suite
from opensmets.security.keystore import KeyStore, format_eui

DIGITS = 20
#: One token to the next: a token's counter counts in steps of this.
COUNTER_STEP = 1 << 32
MAX_COUNTER = (1 << 64) - COUNTER_STEP
MAX_VALUE = (1 << 13) - 1
PENCE, POUNDS = 0, 1
_OFFSET = 7394156990786306048
_TRUNCATED_BITS = 10
#: The device looks for the counter this far below and above its highest.
WINDOW = 512

_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _permutations() -> tuple[tuple[int, ...], ...]:
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_STEP[digit] for digit in rows[-1]))
    return tuple(rows)


_ROWS = _permutations()


def _multiply(left: int, right: int) -> int:
    """Compose two elements of the dihedral group D5, digits 0 to 4 the turns and 5 to 9 the flips."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5


def _verhoeff(digits: str) -> int:
    state = 0
    for place, digit in enumerate(digits):
        state = _multiply(state, _ROWS[(4 + place) % 8][int(digit)])
    return state


def check_digit(digits: str) -> str:
    """Return the Verhoeff digit that ends a token of 19 digits (GBCS 14.3)."""
    return next(digit for digit in "0123456789" if _verhoeff(digits + digit) == 0)


@dataclass(frozen=True, slots=True)
class Ptut:
    """The 64 bits of a token; `value_class` is `PENCE` or `POUNDS`, `tag` the last 4 octets of the tag."""

    truncated_counter: int
    value_class: int
    value: int
    tag: bytes

    @property
    def high_word(self) -> bytes:
        """The upper 4 octets, which the tag authenticates."""
        return (self.truncated_counter << 15 | self.value_class << 13 | self.value).to_bytes(4, "big")

    @property
    def value_pence(self) -> int:
        """The credit in pence. Raises SmetsError when the value class is neither pence nor pounds."""
        if self.value_class not in (PENCE, POUNDS):
            raise SmetsError(f"value class {self.value_class} of the token is neither pence (0) nor pounds (1)")
        return self.value * (100 if self.value_class == POUNDS else 1)

    def token(self) -> str:
        """Return the 20 digits."""
        digits = str(_OFFSET + int.from_bytes(self.high_word + self.tag, "big"))
        return digits + check_digit(digits)


def normalise(token: str) -> str:
    """Return a token's 20 digits without the blanks and dashes that people write. Raises SmetsError."""
    digits = "".join(token.split()).replace("-", "")
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        raise SmetsError(f"a UTRN has {DIGITS} digits, this one {len(digits)} characters: check what was typed")
    return digits


def read(token: str) -> Ptut:
    """Take a token apart. Raises SmetsError when its form or its check digit is wrong."""
    digits = normalise(token)
    if _verhoeff(digits) != 0:
        raise SmetsError("the UTRN's check digit does not fit: a digit is wrong, or two are swapped")
    bits = int(digits[:-1]) - _OFFSET
    if not 0 <= bits < 1 << 57:
        raise SmetsError("the UTRN is not a GBCS prepayment top-up: its number is out of range")
    high, tag = bits >> 32, (bits & 0xFFFFFFFF).to_bytes(4, "big")
    return Ptut(high >> 15, high >> 13 & 3, high & MAX_VALUE, tag)


def _tag(keystore: KeyStore, supplier: bytes, device: bytes, counter: int, high_word: bytes) -> bytes:
    secret = keystore.shared_secret(supplier, device, one_usage="pp-ka")
    key = secret.key(supplier, COMMAND, counter, device)
    header = MAC_PREFIX + supplier + device + bytes((COMMAND,))
    return suite.gmac(key, supplier, header + counter.to_bytes(8, "big") + high_word)[-4:]


def _value(amount_pence: int) -> tuple[int, int]:
    if 0 < amount_pence <= MAX_VALUE:
        return PENCE, amount_pence
    pounds, pence = divmod(amount_pence, 100)
    if pence or not 0 < pounds <= MAX_VALUE:
        raise SmetsError(
            f"a token cannot hold {amount_pence} pence: up to {MAX_VALUE} pence to the penny, above in whole pounds"
        )
    return POUNDS, pounds


def make(keystore: KeyStore, supplier: bytes, device: bytes, amount_pence: int, counter: int) -> str:
    """Return the token for `amount_pence` from a supplier for a device.

    `counter` is the top-up's originator counter, a multiple of 2^32 above zero (`Counters.next(.., "topup")`). Raises
    SmetsError when amount or counter do not fit, MissingKey without the supplier's pp-ka key or the device's ka key.
    """
    if counter % COUNTER_STEP or not 0 < counter <= MAX_COUNTER:
        raise SmetsError(f"a top-up's counter is a multiple of 2^32 above zero, not {counter}")
    value_class, value = _value(amount_pence)
    ptut = Ptut(counter // COUNTER_STEP % (1 << _TRUNCATED_BITS), value_class, value, bytes(4))
    tag = _tag(keystore, supplier, device, counter, ptut.high_word)
    return Ptut(ptut.truncated_counter, value_class, value, tag).token()


def whole_counter(truncated: int, highest: int = 0) -> int:
    """Return the originator counter of a token from its 10 bits: the one nearest to the highest accepted so far."""
    span = 1 << _TRUNCATED_BITS
    base = highest // COUNTER_STEP
    candidate = base - base % span + truncated
    if candidate < base - WINDOW:
        candidate += span
    elif candidate >= base + WINDOW and candidate >= span:
        candidate -= span
    return candidate * COUNTER_STEP


def check(keystore: KeyStore, supplier: bytes, device: bytes, token: str, *, highest: int = 0) -> tuple[Ptut, int]:
    """Return a token's fields and its originator counter, its tag verified.

    `highest` is the highest top-up counter that the device has accepted. Raises SmetsError when the token is not
    this supplier's for this device, MissingKey when a key is lacking.
    """
    ptut = read(token)
    counter = whole_counter(ptut.truncated_counter, highest)
    if not suite.same(_tag(keystore, supplier, device, counter, ptut.high_word), ptut.tag):
        raise SmetsError(f"the UTRN is not from {format_eui(supplier)} for {format_eui(device)}, or altered")
    return ptut, counter
