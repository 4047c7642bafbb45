"""P-256 on the device: published answers, edges, and what must be refused."""
# heap: 250k

from hashlib import sha256

from smets.crypto import comb, curve, p256
from smets.crypto.nonce import Nonces, hmac_sha256
from smets.crypto.point_ints import multiply, multiply_base, sum_has_x

# RFC 6979 A.2.5
KEY = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
PUBLIC = bytes.fromhex(
    "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"
)
SAMPLE = bytes.fromhex(
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
)
TEST = bytes.fromhex(
    "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
)
# FIPS 186-4 D.1.2.3
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
P, N = curve.P, curve.N


def octets(number):
    return number.to_bytes(32, "big")


def refused(function, *arguments):
    try:
        function(*arguments)
    except ValueError:
        return True
    return False


def test_rfc_6979_key():
    assert p256.public_key(KEY) == PUBLIC


def test_rfc_6979_nonces():
    nonces = Nonces(KEY, sha256(b"sample").digest())
    assert nonces.next() == 0xA6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60
    assert nonces.next() != 0xA6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60


def test_rfc_6979_signatures():
    for message, signature in ((b"sample", SAMPLE), (b"test", TEST)):
        digest = sha256(message).digest()
        assert p256.sign(KEY, digest) == signature
        assert p256.verify(PUBLIC, digest, signature)


def test_hmac_rfc_4231():
    # Test cases 1 and 2
    assert hmac_sha256(b"\x0b" * 20, b"Hi ", b"There").hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    assert hmac_sha256(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_base_point_at_the_edges():
    assert multiply_base(1) == (GX, GY)
    assert multiply_base(N - 1) == (GX, P - GY)
    assert p256.public_key(octets(1)) == octets(GX) + octets(GY)


def test_comb_agrees_with_plain_multiplication():
    scalars = [1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, (1 << 43) - 1, 1 << 43, 1 << 215, (1 << 255) + 1, N >> 1]
    for scalar in scalars + [N - scalar for scalar in scalars]:
        assert multiply_base(scalar) == multiply(scalar, GX, GY), scalar


def test_comb_table():
    for entry in range(32):
        scalar = 1 << 215
        for tooth in range(5):
            scalar += (1 if entry >> tooth & 1 else -1) << 43 * tooth
        x, y = multiply(scalar % N, GX, GY)
        assert b"".join(comb.POINTS)[entry * 64 : entry * 64 + 64] == octets(x) + octets(y), entry


def test_multiplication_adds_up():
    # a(bG) = (ab)G, where each side takes another road
    a, b = int.from_bytes(KEY, "big"), 0x1234567890ABCDEF << 120
    assert multiply(a, *multiply_base(b)) == multiply_base(a * b % N)


def test_sum_at_the_edges():
    for base_scalar, scalar in ((0, 1), (1, 0), (1, 1), (1, 2), (5, N - 3), (N - 1, N - 1), (N - 5, 2)):
        wanted = multiply_base((base_scalar + scalar) % N)[0] % N
        assert sum_has_x(base_scalar, scalar, GX, GY, wanted)
        assert not sum_has_x(base_scalar, scalar, GX, GY, wanted ^ 1)
    for scalar in (0, 1, 7, N >> 1):
        assert not sum_has_x(scalar, (N - scalar) % N, GX, GY, GX % N), "infinity has no x"


def last_addend(base_scalar):
    """Return the multiple of G that the comb adds last for `base_scalar`: teeth +1 or -1 at every 43rd place."""
    bits = (base_scalar + (1 << 258) - 1) * ((N + 1) // 2) % N
    return sum([(1 if bits >> place & 1 else -1) << place for place in range(0, 258, 43)])


def test_sum_whose_last_addition_is_a_doubling():
    for base_scalar in (1, 2, 12345 << 99, N >> 2):
        addend = last_addend(base_scalar)
        wanted = multiply_base(2 * addend % N)[0] % N
        assert sum_has_x(base_scalar, (2 * addend - base_scalar) % N, GX, GY, wanted)
        assert not sum_has_x(base_scalar, N - base_scalar, GX, GY, wanted), "opposite points have no sum"


def test_ecdh_at_the_edges():
    assert p256.ecdh(octets(1), PUBLIC) == PUBLIC[:32]
    assert p256.ecdh(octets(N - 1), PUBLIC) == PUBLIC[:32]
    assert p256.ecdh(KEY, octets(GX) + octets(GY)) == PUBLIC[:32]


def test_inverse():
    for value in (1, 2, 3, P - 1, P >> 1, GX):
        assert curve.invert(value, P) * value % P == 1
    for value in (1, 2, N - 1, GX):
        assert curve.invert(value, N) * value % N == 1


def test_bad_private_keys():
    bad = (bytes(32), octets(N), octets(N + 1), b"\xff" * 32, b"", KEY[:31], KEY + b"\x00")
    for private in bad:
        assert not p256.is_valid_private(private)
        assert refused(p256.public_key, private)
        assert refused(p256.sign, private, bytes(32))
        assert refused(p256.ecdh, private, PUBLIC)
    assert p256.is_valid_private(octets(1)) and p256.is_valid_private(octets(N - 1))


def test_bad_public_keys():
    x, y = PUBLIC[:32], PUBLIC[32:]
    bad = [
        bytes(64),
        y + x,
        x + octets(int.from_bytes(y, "big") ^ 1),
        octets(P) + y,
        octets(5 + P) + octets(0),
        b"\xff" * 64,
        b"",
        PUBLIC[:63],
        b"\x04" + PUBLIC,
    ]
    digest = sha256(b"sample").digest()
    for public in bad:
        assert not p256.is_valid_public(public)
        assert not p256.verify(public, digest, SAMPLE)
        assert refused(p256.ecdh, KEY, public)


def test_a_coordinate_that_is_not_reduced():
    # (5, y) is on the curve. A signature that is right for it must not be so for (5 + P, y).
    y = 0x459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC
    good, bad = octets(5) + octets(y), octets(5 + P) + octets(y)
    r = multiply(7, 5, y)[0] % N
    signature = octets(r) + octets(r * curve.invert(7, N) % N)  # of the digest 0, forged as anybody can
    assert p256.verify(good, bytes(32), signature) and not p256.verify(bad, bytes(32), signature)
    assert p256.is_valid_public(good) and not p256.is_valid_public(bad)
    assert refused(p256.ecdh, KEY, bad)


def test_bad_signatures():
    digest = sha256(b"sample").digest()
    r, s = SAMPLE[:32], SAMPLE[32:]
    high = octets(N - int.from_bytes(s, "big"))
    assert p256.verify(PUBLIC, digest, r + high), "s and -s are both right"
    for signature in (bytes(64), r + bytes(32), bytes(32) + s, octets(N) + s, r + octets(N), b"\xff" * 64, s + r):
        assert not p256.verify(PUBLIC, digest, signature)
    for signature in (b"", SAMPLE[:63], SAMPLE + b"\x00"):
        assert not p256.verify(PUBLIC, digest, signature)
    assert not p256.verify(PUBLIC, digest[:31], SAMPLE)
    assert refused(p256.sign, KEY, digest[:31])


def test_every_flipped_bit_of_a_byte_is_seen():
    digest = sha256(b"sample").digest()
    for at in range(0, 64, 9):
        signature = bytearray(SAMPLE)
        signature[at] ^= 1 << at % 8
        assert not p256.verify(PUBLIC, digest, signature)


def test_bytes_like_arguments():
    frame = memoryview(b"front" + PUBLIC + SAMPLE + b"back")
    digest = bytearray(sha256(b"sample").digest())
    assert p256.verify(frame[5:69], memoryview(digest), frame[69:133])
    assert p256.ecdh(memoryview(KEY), frame[5:69]) == p256.ecdh(KEY, PUBLIC)
    assert p256.sign(bytearray(KEY), memoryview(digest)) == SAMPLE


def test_generate_private_draws_until_valid():
    draws = [bytes(32), octets(N), KEY]
    assert p256.generate_private(lambda n: draws.pop(0)) == KEY
    assert refused(p256.generate_private, bytes)
