"""AES-128-GCM on the device: the published cases, in pieces and in parts, and tags that must be refused."""
# heap: 250k

from cryptolib import aes

from smets.crypto import ghash, ghash_ints
from smets.crypto.back_end import fastest
from smets.crypto.gcm import Gcm

# The GCM specification's test cases 1 to 4 (McGrew and Viega, appendix B)
KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308")
IV = bytes.fromhex("cafebabefacedbaddecaf888")
AAD = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
CIPHER = bytes.fromhex(
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
)
CASES = (
    (bytes(16), bytes(12), b"", b"", b"", "58e2fccefa7e3061367f1d57a4e7455a"),
    (
        bytes(16),
        bytes(12),
        b"",
        bytes(16),
        bytes.fromhex("0388dace60b6a392f328c2b971b2fe78"),
        "ab6e47d42cec13bdf53a67b21257bddf",
    ),
    (KEY, IV, b"", PLAIN, CIPHER, "4d5c2af327cd64a62cf35abd2ba6fab4"),
    (KEY, IV, AAD, PLAIN[:60], CIPHER[:60], "5bc94fbc3221a5db94fae95ae7121a47"),
)


def pattern(n):
    return bytes([(i * 73 + (i >> 3)) & 255 for i in range(n)])


def refused(function, *arguments):
    try:
        function(*arguments)
    except ValueError:
        return True
    return False


def test_specification():
    for key, iv, aad, plain, cipher, tag in CASES:
        gcm = Gcm(key)
        buffer = bytearray(plain)
        assert gcm.seal(iv, aad, buffer, 16).hex() == tag
        assert buffer == cipher
        assert gcm.open(iv, aad, buffer, bytes.fromhex(tag))
        assert buffer == plain


def test_short_tag_is_the_front_of_the_long_one():
    gcm = Gcm(KEY)
    buffer = bytearray(PLAIN[:60])
    assert gcm.seal(IV, AAD, buffer).hex() == CASES[3][5][:24]
    assert gcm.open(IV, AAD, buffer, bytes.fromhex(CASES[3][5][:24]))
    assert buffer == PLAIN[:60]


def test_additional_data_in_parts():
    gcm = Gcm(KEY)
    aad = pattern(100)
    whole = gcm.tag(IV, aad)
    assert len(whole) == 12
    for cut in (0, 1, 15, 16, 17, 50, 99, 100):
        assert gcm.tag(IV, aad[:cut], memoryview(aad)[cut:]) == whole
    assert gcm.tag(IV, *[aad[i : i + 1] for i in range(100)]) == whole
    assert gcm.tag(IV) != whole


def test_text_in_pieces():
    plain, aad = pattern(400), b"\x31"
    gcm = Gcm(KEY)
    whole = bytearray(plain)
    tag = gcm.seal(IV, aad, whole)
    for size in (1, 15, 16, 33, 128, 129, 399):
        buffer = bytearray(plain)
        gcm.start(IV, aad)
        for at in range(0, len(buffer), size):
            gcm.encrypt(memoryview(buffer)[at : at + size])
        assert gcm.finish() == tag and buffer == whole, size
        gcm.start(IV, aad)
        for at in range(0, len(buffer), size):
            gcm.authenticate(memoryview(buffer)[at : at + size])
        assert gcm.finish() == tag
        for at in range(0, len(buffer), size):
            gcm.decrypt(memoryview(buffer)[at : at + size])
        assert buffer == plain, size


def test_wrong_tags_leave_the_cipher_text():
    gcm = Gcm(KEY)
    tag = bytes.fromhex(CASES[3][5])
    for length in (12, 16):
        for bit in range(8 * length):
            bad = bytearray(tag[:length])
            bad[bit >> 3] ^= 1 << (bit & 7)
            buffer = bytearray(CIPHER[:60])
            assert not gcm.open(IV, AAD, buffer, bad)
            assert buffer == CIPHER[:60]
    for length in (0, 1, 4, 11, 13, 15):
        assert not gcm.open(IV, AAD, bytearray(CIPHER[:60]), tag[:length])
    assert not gcm.open(IV, AAD, bytearray(CIPHER[:60]), tag + b"\x00")


def test_wrong_data_is_refused():
    gcm = Gcm(KEY)
    tag = bytes.fromhex(CASES[3][5])
    assert not gcm.open(IV, AAD[:-1], bytearray(CIPHER[:60]), tag)
    assert not gcm.open(IV, AAD + b"\x00", bytearray(CIPHER[:60]), tag)
    assert not gcm.open(IV, AAD, bytearray(CIPHER[:59]), tag)
    assert not gcm.open(IV, AAD, bytearray(CIPHER[:60] + b"\x00"), tag)
    assert not gcm.open(IV[:-1] + b"\x00", AAD, bytearray(CIPHER[:60]), tag)
    assert not Gcm(bytes(16)).open(IV, AAD, bytearray(CIPHER[:60]), tag)


def test_wrong_lengths():
    assert refused(Gcm, bytes(15)) and refused(Gcm, bytes(24)) and refused(Gcm, bytes(31))
    gcm = Gcm(KEY)
    for iv in (b"", IV[:11], IV + b"\x00"):
        assert refused(gcm.tag, iv) and refused(gcm.seal, iv, b"", bytearray(1))
    gcm.start(IV)
    assert refused(gcm.finish, 4)


def test_a_key_serves_many_messages():
    gcm = Gcm(KEY)
    tags = [gcm.tag(IV, pattern(n)) for n in range(0, 70, 7)]
    assert tags == [Gcm(KEY).tag(IV, pattern(n)) for n in range(0, 70, 7)]
    gcm.start(IV, b"left unfinished")
    gcm.encrypt(bytearray(5))
    assert gcm.tag(IV, pattern(7)) == tags[1]


def test_counters_run_past_a_byte():
    # 300 blocks: the counter's second byte is used
    plain = pattern(4800)
    buffer = bytearray(plain)
    gcm = Gcm(KEY)
    tag = gcm.seal(IV, b"", buffer)
    block = 290  # its own key stream, from the definition: E(IV || counter), counters from 2
    counter = bytearray(IV + (block + 2).to_bytes(4, "big"))
    stream = aes(KEY, 1).encrypt(counter)
    at = block * 16
    assert bytes([plain[at + i] ^ stream[i] for i in range(16)]) == buffer[at : at + 16]
    assert gcm.open(IV, b"", buffer, tag) and buffer == plain


def test_ghash_back_ends_agree():
    chosen = fastest(("smets.crypto.ghash_viper", "smets.crypto.ghash_ints"))
    for seed in range(20):
        hash_key, data = pattern(16 + seed)[seed:], memoryview(pattern(80 + seed))
        states = bytearray(pattern(32)[16:]), bytearray(pattern(32)[16:])
        for back_end, state in ((chosen, states[0]), (ghash_ints, states[1])):
            back_end.absorb(back_end.key_table(hash_key), state, data, seed, 5)
        assert states[0] == states[1] != pattern(32)[16:]


def test_ghash_of_the_specification():
    hashed = ghash.Ghash(bytes.fromhex("b83b533708bf535d0aa6e52980d53b78"))
    for part in (AAD, CIPHER[:60]):
        hashed.update(part)
        hashed.pad()
    hashed.update(bytes.fromhex("00000000000000a000000000000001e0"))
    assert hashed.value().hex() == "698e57f70e6ecc7fd9463b7260a9ae5f"
