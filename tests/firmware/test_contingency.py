"""The contingency key: wrapped in the root's certificate (RFC 5934 9), it replaces the root and all under it."""

from binascii import unhexlify
from hashlib import sha256

from smets.crypto import key_wrap, p256
from smets.trust import contingency, der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN
from smets.trust.certificate import MAX_CONTINGENCY, Certificate, CertificateError
from tests.firmware.certificates import make_certificate, private
from tests.firmware.contingency_world import (
    AES,
    CBC,
    GCM,
    HOLDER,
    PUBLIC_KEY,
    WRAP_PAD,
    apex_contingency_key,
    wrap_padded,
    wrapped_key,
)
from tests.firmware.message_world import (
    BROKER,
    CELL_DETAILS,
    CONTACTOR,
    COS,
    DISABLE,
    NOW_S,
    OPERATOR,
    SUPPLIER,
    World,
    access_request,
    is_signature_right,
    parse,
)

BY_CONTINGENCY, NOT_AUTHENTIC, NO_AUTHORITY, MALFORMED = 0x0109, 0x8F3D, 0x8F30, 0x8F1E
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
OLD_ROOT, OLD_HOLDER, NEW_ROOT, NEW_HOLDER, NEW_ISSUER = (
    private(170),
    private(171),
    private(172),
    private(173),
    private(174),
)
ROOT_CELL, SUPPLIER_DS, SUPPLIER_KA, SUPPLIER_PP = (
    b"\x02\x01\x00\x03\x02\x02\x04",
    b"\x02\x01\x02\x03\x02\x07\x80",
    b"\x02\x01\x02\x03\x02\x03\x08",
    b"\x02\x01\x02\x03\x02\x03\x08\x02\x01\x01",
)
OTHER_CELLS = (
    (SUPPLIER_DS, 2, DIGITAL_SIGNATURE, SUPPLIER), (SUPPLIER_KA, 2, KEY_AGREEMENT, SUPPLIER),
    (SUPPLIER_PP, 2, KEY_AGREEMENT, SUPPLIER), (b"\x02\x01\x03\x03\x02\x07\x80", 3, DIGITAL_SIGNATURE, OPERATOR),
    (b"\x02\x01\x03\x03\x02\x03\x08", 3, KEY_AGREEMENT, OPERATOR),
    (b"\x02\x01\x04\x03\x02\x03\x08", 4, KEY_AGREEMENT, BROKER),
    (b"\x02\x01\x05\x03\x02\x07\x80", 5, DIGITAL_SIGNATURE, COS),
)  # fmt: skip
LATER, LATER_S = b"20150102000000Z", NOW_S + 86400

_made = {}


def key_id(key):
    return sha256(p256.public_key(key)).digest()[:8]


def root_certificate(key=NEW_ROOT, wrapped=None, signer=None, authority=None):
    """Return a root's certificate, by default one that it signed itself."""
    names = key_id(key) if authority is None else authority
    return make_certificate(None, 0, KEY_CERT_SIGN, key, signer=signer or key, authority=names, contingency=wrapped)


def issuer(root=NEW_ROOT):
    return make_certificate(None, 7, KEY_CERT_SIGN, NEW_ISSUER, signer=root, authority=key_id(root))


def others():
    """Return the replacements of every cell but the root's, under the new issuer."""
    if "others" not in _made:
        _made["others"] = [
            (
                make_certificate(eui, role, usage, private(180 + i), signer=NEW_ISSUER, authority=key_id(NEW_ISSUER)),
                name,
            )
            for i, (name, role, usage, eui) in enumerate(OTHER_CELLS)
        ]
    return _made["others"]


def new_root():
    """Return the root's replacement, which brings a contingency key of its own, wrapped by the other symmetric key."""
    if "root" not in _made:
        _made["root"] = root_certificate(wrapped=wrapped_key(NEW_HOLDER, OTHER_KEY))
    return _made["root"], ROOT_CELL


def world(wrapped=None, journal=None):
    """Return a device whose root's certificate holds a wrapped contingency key; `wrapped` is b"" for none."""
    device = World(journal)
    if journal is None:
        if wrapped is None:
            wrapped = wrapped_key(OLD_HOLDER, KEY)
        device.anchors.place(0, KEY_CERT_SIGN, 0, Certificate(root_certificate(OLD_ROOT, wrapped)))
    return device


def payload(replacements, key=KEY, sequence=1000, cell=ROOT_CELL, issuers=None, when=None, mode=9):
    control = [der.encode_unsigned(der.INTEGER, mode)]
    control += [der.encode(0x80, key)] if key is not None else []
    control += [der.encode(0xA2, cell)] if cell else []
    control += [der.encode_unsigned(0x83, sequence), b"\x84\x01\x00"]
    pairs = [der.encode(der.SEQUENCE, encoded, der.encode(der.SEQUENCE, name)) for encoded, name in replacements]
    path = der.encode(der.SEQUENCE, *([issuer()] if issuers is None else issuers))
    moment = der.encode(der.GENERALIZED_TIME, when) if when else b""
    body = der.encode(der.SEQUENCE, *control), der.encode(der.SEQUENCE, *pairs), path, moment
    return der.encode(der.SEQUENCE, *body)


def command(device, octets, counter=1000, signer=OLD_HOLDER, originator=HOLDER):
    return device.command(BY_CONTINGENCY, octets, originator, counter, signed=True, signer=signer, mac=False)


def statuses(message_payload):
    """Return the statuses of a response's or alert's replacement outcomes."""
    view = memoryview(message_payload)
    elements = list(der.children(view, *der.expect(view, 0, len(view), der.SEQUENCE)))
    outcome = list(der.children(view, elements[-1][1], elements[-1][2]))
    places = [list(der.children(view, first, last))[1][1] for _, first, last in der.children(view, *outcome[3][1:])]
    return [view[place] for place in places]


def answered(device, octets, **how):
    """Return the statuses by which a command is answered."""
    response = device.handle(command(device, octets, **how))
    assert response and is_signature_right(device, response) and parse(response).recipient == HOLDER
    return statuses(bytes(parse(response).payload))


def assert_refused(device, message, event=NOT_AUTHENTIC):
    before, events = device.state(), len(device.events)
    assert device.handle(message) is None and device.state() == before
    assert device.events[events:] == [event]


def test_unwrapping_as_others_wrap():
    """Made with OpenSSL (Python's `cryptography`): keys 00 01 02..., the CBC's IV 64 65..., the GCM's 00 01..."""
    text = b"what is wrapped has no length of its own"
    vectors = (
        (
            16,
            "a7ec896a8ffbf432fbe8988a39782f3016eea24a095928d988eaf6143a9c1b389657ad6ff1a1ae63a4572236e936ebe8",
            "32dbfeb13ba0962c2aa5289583f99d8a",
            "fb39fdc4a080a09627c850cba8c9bb2f4b19c92f6d8501953cac0eef37132d1565ce3a6fd0b90777328b2aff4bffb384",
            "e404c6ba467284743ca000fa46c61428db4769c63d82dd9a834f96597c64cd0aa5cdaf84d4efc08d0402bcc9e805ae93"
            "d475971c771e6323",
        ),
        (
            32,
            "6318c257ac01089b670fa83e222e43eeab582db3ff8167819f3d96695aeca3a80e7f984a460f4ef5157fb4447e62b693",
            "7cff6f7925d32bec8b7b9ecc78d964de",
            "f952d73179eaaa80649fdf182362dfcc3eceb7e3e3a2df6c2196f4e68ef5fb33d7daa5c2263361e1c97e9114929d203f",
            "306ab76fe58cb13bfa33f6fbc18c1c4debb7f4149e147f105d0982f175496fd42179da8f8fae65f6ac5aa6ea952246c7"
            "906ab40e1fb21a49",
        ),
    )
    for size, padded, short, cbc, gcm in vectors:
        key = bytes(range(size))
        assert key_wrap.unwrap_padded(key, unhexlify(padded)) == text
        assert key_wrap.unwrap_padded(key, unhexlify(short)) == b"seven b"
        assert key_wrap.decrypt_cbc(key, bytes(range(100, 116)), unhexlify(cbc)) == text
        assert key_wrap.decrypt_gcm(key, bytes(range(12)), unhexlify(gcm), 16) == text


def test_altered_wraps_give_nothing():
    wrapped = wrap_padded(KEY, b"what is wrapped has no length of its own")
    for place in range(len(wrapped)):
        altered = bytearray(wrapped)
        altered[place] ^= 1 << place % 8
        assert key_wrap.unwrap_padded(KEY, bytes(altered)) is None, place
    for size in range(len(wrapped)):
        assert key_wrap.unwrap_padded(KEY, wrapped[:size]) is None, size
    # the length is inside the last half block, and what pads it is zero
    for size in (0, 32, 41, 1 << 31):
        assert key_wrap._without_padding(b"\xa6\x59\x59\xa6" + size.to_bytes(4, "big") + bytes(40), 40) is None, size
    assert key_wrap._without_padding(b"\xa6\x59\x59\xa6" + b"\x00\x00\x00\x27" + bytes(39) + b"\x01", 40) is None
    assert key_wrap.decrypt_cbc(KEY, bytes(16), b"") is None and key_wrap.decrypt_cbc(KEY, bytes(15), bytes(16)) is None
    assert key_wrap.decrypt_gcm(KEY, bytes(12), bytes(40), 13) is None


def test_every_algorithm_that_a_certificate_may_name():
    for mode in (WRAP_PAD, CBC, GCM):
        for key in (KEY, KEY[:16]):
            wrapped = wrapped_key(OLD_HOLDER, key, mode)
            assert contingency.unwrap(wrapped, key) == p256.public_key(OLD_HOLDER), mode
            for wrong in (OTHER_KEY[: len(key)], KEY[: 48 - len(key)], KEY[:24], b""):
                assert contingency.unwrap(wrapped, wrong) is None, mode
            for place in range(0, len(wrapped), 5):
                altered = bytearray(wrapped)
                altered[place] ^= 1 << place % 8
                assert contingency.unwrap(bytes(altered), key) is None, (mode, place)


def test_what_no_key_comes_out_of():
    good = wrap_padded(KEY, b"\x30\x59" + bytes(89))
    cases = (
        b"",
        b"\x30\x00",  # a root that has no contingency key, but is one (RFC 5934 9)
        apex_contingency_key(45, b"", good),  # key wrap without padding
        apex_contingency_key(28, b"", good),  # a key of 192 bits
        apex_contingency_key(48, b"", good),  # not a key on P-256
        apex_contingency_key(42, b"", good),  # CBC, without an IV
        apex_contingency_key(46, b"\x05\x00", good),
        wrapped_key(OLD_HOLDER, KEY) + b"\x00",
        b"\x30\x82\x00\x05" + der.encode(der.OBJECT_IDENTIFIER, AES),
    )
    for place, wrapped in enumerate(cases):
        assert contingency.unwrap(wrapped, KEY) is None, place
    point = PUBLIC_KEY + bytes(64)  # not on the curve
    assert contingency.unwrap(apex_contingency_key(48, b"", wrap_padded(KEY, point)), KEY) is None


def test_a_certificate_brings_its_key_and_only_the_roots_cell_keeps_it():
    wrapped = wrapped_key(OLD_HOLDER, KEY)
    assert Certificate(root_certificate(OLD_ROOT, wrapped)).contingency == wrapped
    assert Certificate(root_certificate(OLD_ROOT)).contingency is None
    try:
        Certificate(root_certificate(OLD_ROOT, bytes(MAX_CONTINGENCY + 1)))
        raise AssertionError("taken whatever its length")
    except CertificateError:
        pass
    device = world()
    device.anchors.agree_all()
    device.anchors.forget_secrets()
    again = world(journal=device.journal)
    assert again.anchors.cell(0, KEY_CERT_SIGN).contingency == wrapped
    assert [cell.contingency for cell in again.anchors if cell.role] == [None] * len(OTHER_CELLS)


def test_the_contingency_key_replaces_the_root_and_all_that_is_under_it():
    device = world()
    replacements = [new_root()] + others()
    assert answered(device, payload(replacements)) == [0] * 8
    assert device.anchors.cell(0, KEY_CERT_SIGN).public_key == p256.public_key(NEW_ROOT)
    assert device.anchors.cell(5, DIGITAL_SIGNATURE).public_key == p256.public_key(private(186))
    assert 0x8F70 in device.events
    again = world(journal=device.journal)
    assert again.anchors.cell(0, KEY_CERT_SIGN).contingency == wrapped_key(NEW_HOLDER, OTHER_KEY)
    # who stands in the cells now commands the meter
    disable = access_request(1001, CONTACTOR)
    assert_refused(device, device.command(DISABLE, disable, SUPPLIER, 1001, signed=True))
    # the old contingency key is spent with the old root, the new root's is good
    assert_refused(device, command(device, payload([new_root()], sequence=2000), 2000))
    assert_refused(device, command(device, payload([new_root()], KEY, sequence=2000), 2000, NEW_HOLDER))
    assert answered(device, payload([new_root()], OTHER_KEY, 2000), counter=2000, signer=NEW_HOLDER) == [0]


def test_the_response_says_what_the_roots_cell_held():
    device = world()
    response = device.handle(command(device, payload([new_root()])))
    told = bytes(parse(response).payload)
    assert parse(response).mac is None and len(parse(response).date_time) == 12
    # nobody's EUI, the two roots' key identifiers; and the root's floor first
    party = der.encode(der.OCTET_STRING, bytes(8)) + der.encode(der.OCTET_STRING, key_id(OLD_ROOT))
    assert told.endswith(
        party + der.encode(der.OCTET_STRING, bytes(8)) + der.encode(der.OCTET_STRING, key_id(NEW_ROOT))
    )
    assert b"\x02\x02\x03\xe8\x02\x01\x09\x30\x08\x30\x06\x02\x01\x00\x02\x01\x00" in told


def test_who_has_no_contingency_key_changes_nothing():
    device = world()
    good = payload([new_root()])
    cases = (
        (good, OLD_ROOT),
        (good, NEW_HOLDER),
        (payload([new_root()], OTHER_KEY), OLD_HOLDER),
        (payload([new_root()], KEY[:16]), OLD_HOLDER),
        (payload([new_root()], None), OLD_HOLDER),
        (good[:-1], OLD_HOLDER),
        (b"\x05\x00", OLD_HOLDER),
    )
    for octets, signer in cases:
        assert_refused(device, command(device, octets, signer=signer))
    maced = device.command(BY_CONTINGENCY, good, HOLDER, 1000, signed=True, signer=OLD_HOLDER)
    assert_refused(device, maced)
    assert device.handle(command(device, payload([]))) is None and device.events[-1] == MALFORMED


def test_a_root_without_a_contingency_key_lets_nobody_in():
    for wrapped in (b"", b"\x30\x00", apex_contingency_key(45, b"", bytes(104))):
        device = world(wrapped)
        assert_refused(device, command(device, payload([new_root()])))
    device = World()  # and so does a device without a root
    assert_refused(device, command(device, payload([new_root()])), NO_AUTHORITY)
    device = world()
    device.anchors.place_root(p256.public_key(OLD_ROOT), key_id(OLD_ROOT))
    assert_refused(device, command(device, payload([new_root()])))


def test_a_wrapped_key_that_was_altered_lets_nobody_in():
    whole = wrapped_key(OLD_HOLDER, KEY)
    for place in range(0, len(whole), 17):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        device = world(bytes(altered))
        assert_refused(device, command(device, payload([new_root()])))


def test_replays_and_numbers_that_were_used():
    device = world()
    # with the same root again, the contingency key stays: what refuses the replay is its number
    same = root_certificate(OLD_ROOT, wrapped_key(OLD_HOLDER, KEY)), ROOT_CELL
    once = command(device, payload([same]))
    assert statuses(bytes(parse(device.handle(once)).payload)) == [0]
    assert_refused(device, once)
    assert_refused(device, command(device, payload([same], sequence=999), 999))
    # under another EUI too, by the sequence number: none of it is the holder's, so both are looked at
    device.anchors.set_sequence(0, 1000)
    late = command(device, payload([same]), originator=b"anybody.")
    assert statuses(bytes(parse(device.handle(late)).payload)) == [127]


def test_new_root_and_those_under_it_are_judged_together():
    supplier = others()[0]
    by_old = make_certificate(SUPPLIER, 2, DIGITAL_SIGNATURE, private(190), signer=OLD_ROOT, authority=key_id(OLD_ROOT))
    forged = root_certificate(signer=private(191)), ROOT_CELL
    under_old = root_certificate(NEW_ROOT, signer=OLD_ROOT, authority=key_id(OLD_ROOT)), ROOT_CELL
    silent = root_certificate(authority=b""), ROOT_CELL
    cases = (
        ([new_root(), supplier], [0, 0]),
        ([supplier, new_root()], [0, 0]),
        ([silent, supplier], [0, 0]),  # a root need not say who issued it
        ([forged, supplier], [10, 10]),
        ([(by_old, ROOT_CELL), supplier], [5, 10]),
        ([supplier], [10]),
        ([(by_old, SUPPLIER_DS)], [0]),
        ([new_root(), (by_old, SUPPLIER_DS)], [0, 10]),
        ([under_old, (by_old, SUPPLIER_DS)], [0, 0]),  # the old root's word, like a link certificate
        ([new_root(), new_root()], [0, 127]),
    )
    for place, (replacements, wanted) in enumerate(cases):
        assert answered(world(), payload(replacements)) == wanted, place


def test_the_authority_is_the_roots():
    device = world()
    for place, octets in enumerate(
        (payload([new_root()], mode=8), payload([new_root()], cell=SUPPLIER_DS), payload([new_root()], sequence=0))
    ):
        assert answered(device, octets, counter=1000 + place) == [127], place
    assert device.anchors.cell(0, KEY_CERT_SIGN).public_key == p256.public_key(OLD_ROOT)
    assert answered(device, payload([new_root()], cell=None), counter=1010) == [0]


def test_later_and_only_while_the_key_is_good():
    device = world()
    response = device.handle(command(device, payload([new_root()] + others()[:1], when=LATER)))
    assert bytes(parse(response).payload) == b"\x30\x02\x05\x00"
    device = world(journal=device.journal)
    device.now_s = LATER_S
    device.station.settle(device.alerts)
    alert = parse(device.sent[-1])
    assert alert.code == 0x00CB and bytes(alert.recipient) == HOLDER and is_signature_right(device, device.sent[-1])
    assert statuses(bytes(alert.payload)) == [0, 0] and b"\x02\x03\x00\x8f\x66" in bytes(alert.payload)
    # the root was replaced before the time came: its key has no say any more
    device = world()
    assert device.handle(command(device, payload([new_root()], when=LATER))) is not None
    device.anchors.place(0, KEY_CERT_SIGN, 0, Certificate(root_certificate(private(192))))
    device.now_s = LATER_S
    device.station.settle(device.alerts)
    assert statuses(bytes(parse(device.sent[-1]).payload)) == [127]


def test_credential_details_tell_the_roots_number():
    device = world()
    device.anchors.set_sequence(0, 77)
    ask = b"\x30\x0e\x30\x07\x02\x01\x04\x03\x02\x03\x08\x30\x03\x02\x01\x00"
    answer = device.handle(device.command(CELL_DETAILS, ask, BROKER, 1))
    assert b"\x02\x01\x4d" in bytes(parse(answer).payload)
