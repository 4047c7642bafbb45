"""Credential updates, the device's own keys, joins and activations: what they change and refuse, and power cuts."""

from hashlib import sha256

from smets.crypto import p256
from smets.store.journal import Journal
from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN, PREPAYMENT
from smets.trust.certificate import Certificate
from smets.trust.device_log import MAX_DEVICES
from smets.trust.own_certificates import own_certificate
from tests.firmware.certificates import ISSUER_PUBLIC, make_certificate, private
from tests.firmware.message_world import (
    BROKER,
    CELL_DETAILS,
    CELLS,
    CONTACTOR,
    COS,
    DEVICE,
    DISABLE,
    NOW_S,
    OPERATOR,
    READ_VERSION,
    STRANGER,
    SUPPLIER,
    VERSION,
    World,
    access_request,
    is_signature_right,
    key_of,
    parse,
)
from tests.firmware.power_cut import CutFiles, PowerCut, QuickFiles, scratch, wipe

ROOT, ROOT_ID = private(70), b"the root"
BY_SUPPLIER, BY_OPERATOR, BY_COS, BY_BROKER = 0x0102, 0x0103, 0x0107, 0x0104
ISSUE, UPDATE, PROVIDE, JOIN, UNJOIN, ACTIVATE = 0x000A, 0x000B, 0x000C, 0x000D, 0x000F, 0x0012
DS, KA, PP = (
    b"\x02\x01\x02\x03\x02\x07\x80",
    b"\x02\x01\x02\x03\x02\x03\x08",
    b"\x02\x01\x02\x03\x02\x03\x08\x02\x01\x01",
)
"""The supplier's cells by their names' content."""
CANCEL, LATER, LATER_S = b"99991231235959Z", b"20150102000000Z", NOW_S + 86400
MALFORMED, NO_AUTHORITY, NOT_AUTHENTIC = 0x8F1E, 0x8F30, 0x8F3D


class Firmware:
    """Stands in for the meter and its slots: holds an image, and what is staged for the journal.

    With `restarts` the device has to start again before it is known how an activation ended.
    """

    restarts = False

    def __init__(self, journal):
        self.values = {"firmware.version": b"\x00\x01\x00\x00", "firmware.image_hash": b"", "firmware.outcome": 0}
        self.journal, self.staged = journal, []

    def call(self, path, image_hash):
        held = self.values["firmware.image_hash"]
        self.values["firmware.outcome"] = 1 if not held else 0 if held == image_hash else 2
        if held and held == image_hash:
            self.values.update({"firmware.version": b"\x01\x23\xab\xcd", "firmware.image_hash": b""})

    def activate(self, image_hash, keep):
        if self.restarts and self.values["firmware.image_hash"] == image_hash:
            keep()
            return None
        self.call("firmware.activate", image_hash)
        return self.values["firmware.outcome"]

    def told(self):
        self.restarts = False

    def read(self, path):
        return self.values[path]

    def stage(self, key, value):
        self.staged.append((key, value))

    def begin(self):
        self.before = dict(self.values), list(self.staged)

    def discard(self):
        self.values, self.staged = self.before

    def drop_cold(self):
        pass

    def commit(self):
        self.journal.put_many(self.staged)
        self.staged = []


def world(journal=None, cells=CELLS):
    made = World(journal, cells)
    if made.anchors.cell(0, KEY_CERT_SIGN) is None:
        made.anchors.place_root(p256.public_key(ROOT), ROOT_ID)
    made.station.meter = made.station.firmware = Firmware(made.journal)
    return made


def issuer(key=ROOT, authority=ROOT_ID):
    """Return the issuing authority's certificate, by default under the root."""
    return make_certificate(None, 7, KEY_CERT_SIGN, public=ISSUER_PUBLIC, signer=key, authority=authority)


def certificate(usage, number, eui=SUPPLIER, **how):
    return make_certificate(eui, 2, usage, private(number), authority=key_id(ISSUER_PUBLIC), **how)


def key_id(public):
    return sha256(public).digest()[:8]


def number(tag, value):
    return der.encode_unsigned(tag, value)


def update(
    counter=1000, mode=2, cell=DS, replacements=(), issuers=None, floor=b"\x84\x01\x00", when=None, sequence=None
):
    """Return the payload of a CS02b; `replacements` are (certificate, content of the cell's name)."""
    parts = [number(der.INTEGER, mode), der.encode(0xA2, cell) if cell else b""]
    parts += [number(0x83, counter if sequence is None else sequence), floor]
    pairs = [der.encode(der.SEQUENCE, encoded, der.encode(der.SEQUENCE, name)) for encoded, name in replacements]
    body = [der.encode(der.SEQUENCE, *parts), der.encode(der.SEQUENCE, *pairs)]
    body.append(der.encode(der.SEQUENCE, *([issuer()] if issuers is None else issuers)))
    if when:
        body.append(der.encode(der.GENERALIZED_TIME, when))
    return der.encode(der.SEQUENCE, *body)


def new_keys(eui=SUPPLIER, first=80):
    return (
        (certificate(DIGITAL_SIGNATURE, first, eui), DS),
        (certificate(KEY_AGREEMENT, first + 1, eui), KA),
        (certificate(KEY_AGREEMENT, first + 2, eui), PP),
    )


def send(device, payload, counter=1000, code=BY_SUPPLIER, originator=SUPPLIER, **how):
    """Return the response's payload, or None."""
    how.setdefault("signed", True)
    answer = device.handle(device.command(code, payload, originator, counter, **how))
    if answer is None:
        return None
    assert is_signature_right(device, answer)
    return bytes(parse(answer).payload)


def statuses(payload):
    """Return the statuses of a response's or alert's replacement outcomes."""
    view = memoryview(payload)
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    elements = list(der.children(view, start, stop))
    outcome = list(der.children(view, elements[-1][1], elements[-1][2]))
    found = []
    for _, first, last in der.children(view, outcome[3][1], outcome[3][2]):
        status = list(der.children(view, first, last))[1]
        found.append(view[status[1]])
    return found


def holders(device):
    return [(cell.role, cell.usage, cell.cell_usage, cell.eui, cell.public_key) for cell in device.anchors]


def test_new_keys_are_in_force_and_the_old_are_not():
    device = world()
    device.anchors.agree_all()
    assert statuses(send(device, update(replacements=new_keys()))) == [0, 0, 0]
    assert device.anchors.cell(2, DIGITAL_SIGNATURE).public_key == p256.public_key(private(80))
    assert device.anchors.cell(2, KEY_AGREEMENT, PREPAYMENT).public_key == p256.public_key(private(82))
    # the secret is the new key's, too
    secret = device.anchors.shared_secret(device.anchors.cell(2, KEY_AGREEMENT))
    assert secret == p256.ecdh(private(81), device.keys.public(KEY_AGREEMENT))
    disable = access_request(1001, CONTACTOR)
    old = device.command(DISABLE, disable, counter=1001, signed=True)
    assert device.handle(old) is None and device.events[-1] == NOT_AUTHENTIC
    assert device.handle(device.command(DISABLE, disable, counter=1001, signed=True, signer=private(80))) is not None
    again = World(device.journal)
    assert holders(again) == holders(device) and 0x8F70 in device.events


def test_another_party_takes_over_by_the_transitional_cos():
    device = world()
    payload = update(mode=7, cell=b"\x02\x01\x05\x03\x02\x07\x80", replacements=new_keys(STRANGER), floor=b"")
    assert statuses(send(device, payload, code=BY_COS, originator=COS)) == [0, 0, 0]
    assert device.anchors.sequence(5) == 1000
    disable = access_request(2000, CONTACTOR)
    assert device.handle(device.command(DISABLE, disable, SUPPLIER, 2000, signed=True)) is None
    assert device.events[-1] == NO_AUTHORITY
    theirs = device.command(DISABLE, disable, STRANGER, 2000, signed=True, signer=private(80))
    assert device.handle(theirs) is not None


def test_handover_by_the_broker_that_holds_the_suppliers_cells():
    device = world(cells=((2, "ds", BROKER), (2, "ka", BROKER), (2, "pp", BROKER), (4, "ka", BROKER)))
    assert statuses(send(device, update(replacements=new_keys()), originator=BROKER)) == [0, 0, 0]
    assert not device.anchors.held_by(BROKER, DIGITAL_SIGNATURE)
    assert device.anchors.cell(2, DIGITAL_SIGNATURE).eui == SUPPLIER


def test_each_replacement_is_judged_for_itself():
    device = world()
    good, other, pp = new_keys()
    stray = make_certificate(SUPPLIER, 2, KEY_AGREEMENT, private(81), authority=b"stranger")
    assert statuses(send(device, update(replacements=(good, (stray, KA), pp)))) == [0, 10, 0]
    assert device.anchors.cell(2, KEY_AGREEMENT).public_key == p256.public_key(key_of(SUPPLIER, "ka"))
    assert device.anchors.cell(2, DIGITAL_SIGNATURE).public_key == p256.public_key(private(80))


def test_bad_chains_change_no_cell():
    forged = certificate(DIGITAL_SIGNATURE, 80, signer=private(99))
    spoilt = bytearray(certificate(DIGITAL_SIGNATURE, 80))
    spoilt[-1] ^= 1
    leaf = certificate(DIGITAL_SIGNATURE, 80)
    by_leaf = make_certificate(
        SUPPLIER, 2, DIGITAL_SIGNATURE, private(81), signer=private(80), authority=key_id(p256.public_key(private(80)))
    )
    cases = (
        ((forged, DS), None, 10),
        ((bytes(spoilt), DS), None, 10),
        ((leaf, DS), (), 10),
        ((leaf, DS), (issuer(private(98)),), 10),
        ((leaf, DS), (issuer(authority=b"nobody's"),), 10),
        ((by_leaf, DS), (issuer(), leaf), 10),
        ((leaf, KA), None, 5),
        ((der.encode(der.SEQUENCE, leaf[4:60]), DS), None, 5),
        ((leaf, b"\x02\x01\x02\x03\x02\x02\x04"), None, 25),
        ((leaf, b"\x02\x01\x03\x03\x02\x07\x80"), None, 127),
    )
    for replacement, issuers, status in cases:
        device = world()
        before = holders(device)
        assert statuses(send(device, update(replacements=(replacement,), issuers=issuers))) == [status], status
        assert holders(device) == before
    rootless = World()
    rootless.station.meter = Firmware(rootless.journal)
    assert statuses(send(rootless, update(replacements=((leaf, DS),)))) == [10]


def test_who_has_no_say_changes_nothing():
    device = world()
    before = holders(device)
    replacements = new_keys()[:1]
    cases = (
        update(mode=3, replacements=replacements),
        update(mode=200, replacements=replacements),
        update(cell=KA, replacements=replacements),
        update(sequence=0, replacements=replacements),
        update(replacements=replacements, floor=b"\xa6\x08\x30\x06\x02\x01\x03\x02\x01\x00"),
    )
    for place, payload in enumerate(cases):
        assert statuses(send(device, payload, 1000 + place)) == [127], place
        assert holders(device) == before and device.anchors.sequence(2) == 0
    for originator in (OPERATOR, COS, STRANGER):
        assert send(device, update(replacements=replacements), originator=originator) is None
        assert device.events[-1] == NO_AUTHORITY
    assert holders(device) == before


def test_validity_counts_only_where_it_is_asked_for():
    for checks, status in ((b"\x81\x01\x00", 5), (b"\x81\x01\x01", 0), (b"", 0)):
        device = world()  # of 2015; the certificates begin in 2020
        payload = update(replacements=new_keys()[:1], cell=None, floor=checks)
        assert statuses(send(device, payload)) == [status]
    device = world()
    device.now_s = NOW_S + 6 * 366 * 86400
    assert statuses(send(device, update(replacements=new_keys()[:1], floor=b"\x81\x01\x00"))) == [0]


def test_sequence_numbers_and_floors():
    device = world()
    good = new_keys()[:1]
    assert statuses(send(device, update(5000, replacements=good, floor=b""), 5000)) == [0]
    assert device.anchors.sequence(2) == 5000
    how = {"signer": private(80)}
    assert statuses(send(device, update(5001, replacements=good, sequence=5000), 5001, **how)) == [127]
    assert statuses(send(device, update(5002, replacements=good, floor=b"\x84\x02\x23\x28"), 5002, **how)) == [0]
    assert device.anchors.sequence(2) == 9000
    read = device.command(READ_VERSION, access_request(9000, VERSION), counter=9000)
    assert device.handle(read) is None and device.events[-1] == NOT_AUTHENTIC
    assert device.handle(device.command(READ_VERSION, access_request(9001, VERSION), counter=9001)) is not None
    # a floor of 0 gives back nothing that was spent
    assert statuses(send(device, update(9002, replacements=good), 9002, **how)) == [0]
    assert device.anchors.sequence(2) == 0
    assert device.handle(device.command(READ_VERSION, access_request(9001, VERSION), counter=9001)) is None


def test_no_floor_leaves_a_party_without_numbers():
    """A SeqNumber ends at 2^63 - 1 (RFC 5934), a counter at 2^64 - 1: half of them lie above any floor."""
    most, good = (1 << 63) - 1, new_keys()[:1]
    others = der.encode(0xA6, der.encode(der.SEQUENCE, number(der.INTEGER, 2), number(der.INTEGER, most + 1)))
    for place, how in enumerate(
        (
            {"floor": number(0x84, most + 1)},
            {"floor": number(0x84, (1 << 64) - 1)},
            {"sequence": most + 1},
            {"floor": others},
        )
    ):
        device = world()
        before = holders(device)
        assert send(device, update(replacements=good, **how)) is None and device.events[-1] == MALFORMED, place
        assert holders(device) == before and device.anchors.sequence(2) == 0
    device = world()
    assert statuses(send(device, update(replacements=good, floor=number(0x84, most)))) == [0]
    disable = device.command(
        DISABLE, access_request(most + 1, CONTACTOR), counter=most + 1, signed=True, signer=private(80)
    )
    assert device.handle(disable) is not None


def test_replay_is_refused_with_the_same_key_too():
    device = world()
    same = make_certificate(SUPPLIER, 2, DIGITAL_SIGNATURE, key_of(SUPPLIER, "ds"), authority=key_id(ISSUER_PUBLIC))
    command = device.command(BY_SUPPLIER, update(replacements=((same, DS),)), SUPPLIER, 1000, signed=True)
    assert statuses(bytes(parse(device.handle(command)).payload)) == [0]
    before = device.state()
    assert device.handle(command) is None and device.state() == before


def test_cut_and_flipped_payloads():
    payload = update(replacements=new_keys()[:1])
    device = world()
    before, counter = holders(device), 1000
    for size in list(range(0, 40, 7)) + list(range(40, len(payload), 211)):
        counter += 1
        assert send(device, payload[:size], counter) is None and device.events[-1] == MALFORMED
    for place in range(0, len(payload), 31):
        counter += 1
        flipped = bytearray(payload)
        flipped[place] ^= 1 << place % 8
        send(device, bytes(flipped), counter)
        held = [cell[4] for cell in holders(device)]
        assert len(held) == len(before), place
        if p256.public_key(private(80)) in held:  # what was flipped does not count: a role in the name, a number
            device, counter = world(), 1000


def test_future_dated_update_and_its_alert():
    device = world()
    before = holders(device)
    assert send(device, update(replacements=new_keys(), when=LATER)) == b"\x30\x02\x05\x00"
    device.station.settle(device.alerts)
    assert holders(device) == before and device.station.due_s == LATER_S and device.sent == []
    device = world(device.journal)
    device.now_s = LATER_S
    device.station.settle(device.alerts)
    assert holders(device) != before and device.journal.keys("later/") == [] and device.journal.keys("told/") == []
    (alert,) = device.sent
    parsed = parse(alert)
    assert parsed.code == 0x00CB and bytes(parsed.recipient) == SUPPLIER and is_signature_right(device, alert)
    assert b"\x02\x03\x00\x8f\x66\x18\x0f" + LATER in bytes(parsed.payload)
    assert statuses(bytes(parsed.payload)) == [0, 0, 0]
    device.station.settle(device.alerts)
    assert len(device.sent) == 1


def test_cancelled_replaced_and_orphaned_instructions():
    device = world()
    assert send(device, update(replacements=new_keys(), when=LATER)) is not None
    assert send(device, update(1001, replacements=new_keys(), when=CANCEL), 1001) == b"\x30\x02\x05\x00"
    assert device.journal.keys("later/") == []
    assert send(device, update(1002, replacements=new_keys(), when=LATER), 1002) is not None
    assert send(device, update(1003, replacements=new_keys(first=90)[:1], when=LATER), 1003) is not None
    # the supplier changes before its instruction is due: who is gone has no say
    cos = update(1000, 7, b"\x02\x01\x05\x03\x02\x07\x80", new_keys(STRANGER, 60), floor=b"")
    assert statuses(send(device, cos, code=BY_COS, originator=COS)) == [0, 0, 0]
    held = holders(device)
    device.now_s = LATER_S
    device.station.settle(device.alerts)
    assert holders(device) == held
    assert statuses(bytes(parse(device.sent[-1]).payload)) == [127]
    assert b"\x02\x03\x00\x8f\x67" in bytes(parse(device.sent[-1]).payload)


def test_broker_by_itself():
    device = world()
    replacement = (
        make_certificate(BROKER, 4, KEY_AGREEMENT, private(85), authority=key_id(ISSUER_PUBLIC)),
        b"\x02\x01\x04\x03\x02\x03\x08",
    )
    payload = update(mode=4, cell=None, replacements=(replacement,))
    assert statuses(send(device, payload, code=BY_BROKER, originator=BROKER, signed=False)) == [0]
    read = device.command(READ_VERSION, access_request(9, VERSION), counter=9)
    assert device.handle(read) is None and device.events[-1] == NOT_AUTHENTIC


def test_device_makes_a_new_key_and_takes_its_certificate():
    for usage, bits in ((DIGITAL_SIGNATURE, b"\x07\x80"), (KEY_AGREEMENT, b"\x03\x08")):
        device = world()
        old = device.keys.public(usage)
        request = send(device, b"\x30\x04\x03\x02" + bits, code=ISSUE)
        public = device.keys.waiting(usage)
        assert request[0] == 0x30 and public in request and DEVICE in request and device.keys.public(usage) == old
        mine = make_certificate(DEVICE, None, usage, public=public)
        device.anchors.agree_all()
        assert send(device, mine, 1001, UPDATE) == b"\x02\x01\x00"
        assert device.events[-1] == (0x8F4D if usage == DIGITAL_SIGNATURE else 0x8F4F)
        assert device.keys.public(usage) == public and device.keys.waiting(usage) is None
        assert own_certificate(device.journal, usage) == mine
        assert send(device, b"\x30\x04\x03\x02" + bits, 1002, PROVIDE) == mine
        secret = device.anchors.shared_secret(device.anchors.cell(4, KEY_AGREEMENT))
        assert secret == device.secret_with(BROKER)
        assert send(device, mine, 1003, UPDATE) == b"\x02\x01\x04"
        assert device.events[-1] == (0x8F4C if usage == DIGITAL_SIGNATURE else 0x8F4E)


def test_certificates_that_are_not_the_devices():
    device = world()
    assert send(device, b"\x30\x04\x03\x02\x07\x80", 1000, PROVIDE) == b"\x02\x01\x02"
    assert send(device, b"\x30\x04\x03\x02\x02\x04", 1001, ISSUE) == b"\x02\x01\x01"
    assert send(device, b"\x30\x04\x03\x02\x07\x80", 1002, ISSUE)[0] == 0x30
    public, old = device.keys.waiting(DIGITAL_SIGNATURE), device.keys.public(DIGITAL_SIGNATURE)
    good = make_certificate(DEVICE, None, DIGITAL_SIGNATURE, public=public)
    cases = (
        (good[:-1], 1), (b"", 1), (make_certificate(STRANGER, None, DIGITAL_SIGNATURE, public=public), 2),
        (make_certificate(DEVICE, None, KEY_CERT_SIGN, public=public), 3),
        (make_certificate(DEVICE, None, KEY_AGREEMENT, public=public), 4),
        (make_certificate(DEVICE, None, DIGITAL_SIGNATURE, private(7)), 5),
    )  # fmt: skip
    for place, (encoded, code) in enumerate(cases):
        assert send(device, encoded, 1010 + place, UPDATE) == bytes((2, 1, code)), code
        assert device.keys.public(DIGITAL_SIGNATURE) == old
    assert send(device, b"\x30\x00", 1030, ISSUE) is None and device.events[-1] == MALFORMED


def test_joining_and_unjoining():
    device = world()
    join = b"\x30\x10\x02\x01\x00\x04\x08" + STRANGER + b"\x02\x01\x04"
    assert send(device, join, 1, JOIN) == b"\x02\x01\x00"
    assert send(device, join, 2, JOIN) == b"\x02\x01\x00"
    assert send(device, join[:-1] + b"\x05", 3, JOIN) == b"\x02\x01\x03"
    assert send(device, b"\x30\x10\x02\x01\x01" + join[5:], 4, JOIN) == b"\x02\x01\x01"
    assert send(device, b"\x30\x10\x02\x01\x09" + join[5:], 5, JOIN) == b"\x02\x01\x02"
    assert send(device, b"\x04\x08" + STRANGER, 6, UNJOIN) == b"\x02\x01\x00"
    assert send(device, b"\x04\x08" + STRANGER, 7, UNJOIN) == b"\x02\x01\x01"
    for place in range(MAX_DEVICES):
        assert send(device, join[:14] + bytes((place,)) + join[15:], 10 + place, JOIN) == b"\x02\x01\x00"
    assert send(device, join[:14] + b"\xff" + join[15:], 50, JOIN) == b"\x02\x01\x04"
    for size in range(0, len(join), 3):
        assert send(device, join[:size], 100 + size, JOIN) is None and device.events[-1] == MALFORMED


def activation(counter, image_hash, when=None):
    parts = [der.encode(der.OCTET_STRING, image_hash), number(der.INTEGER, counter)]
    return der.encode(der.SEQUENCE, *(parts + ([der.encode(der.GENERALIZED_TIME, when)] if when else [])))


def test_activation_now_and_later():
    device, image = world(), bytes(range(32))
    old, new = b"\x04\x04\x00\x01\x00\x00", b"\x04\x04\x01\x23\xab\xcd"
    assert send(device, activation(1, image), 1, ACTIVATE) == b"\x30\x09\x02\x01\x01" + old
    device.station.meter.values["firmware.image_hash"] = image
    assert send(device, activation(2, bytes(32)), 2, ACTIVATE) == b"\x30\x09\x02\x01\x02" + old
    assert send(device, activation(9, image), 3, ACTIVATE) is None
    assert send(device, activation(4, image, LATER), 4, ACTIVATE) == b"\x05\x00"
    device.now_s = LATER_S
    device.station.settle(device.alerts)
    told = bytes(parse(device.sent[-1]).payload)
    assert parse(device.sent[-1]).code == 0x00CA
    assert told == b"\x30\x24\x02\x03\x00\x8f\x66\x18\x0f" + LATER + b"\x02\x01\x04\x30\x09\x02\x01\x00" + new
    assert device.station.meter.read("firmware.version") == b"\x01\x23\xab\xcd"


def test_an_activation_that_the_heap_has_no_room_for_did_nothing_and_is_carried_out_later():
    device, image = world(), bytes(range(32))
    meter = device.station.meter
    meter.values["firmware.image_hash"] = image
    assert send(device, activation(4, image, LATER), 4, ACTIVATE) == b"\x05\x00"
    device.now_s = LATER_S
    real, meter.told = meter.activate, None

    def activate(image_hash, keep):
        real(image_hash, keep)
        raise MemoryError

    meter.activate = activate
    try:
        device.station.settle(device.alerts)
        raise AssertionError
    except MemoryError:
        pass
    assert meter.read("firmware.version") == b"\x00\x01\x00\x00" and device.sent == []
    del meter.activate, meter.told
    device.station.settle(device.alerts)
    assert parse(device.sent[-1]).code == 0x00CA and meter.read("firmware.version") == b"\x01\x23\xab\xcd"


def restarted(device):
    """Return the device as it starts again, its slot on trial confirmed."""
    again = world(device.journal)
    again.now_s = device.now_s
    again.station.meter.values = device.station.meter.values
    again.station.settle(again.alerts)
    return again


def test_activation_is_answered_after_the_restart():
    device, image = world(), bytes(range(32))
    device.station.meter.values["firmware.image_hash"] = image
    device.station.meter.restarts = True
    assert send(device, activation(4, image), 4, ACTIVATE) is None and device.events == []
    again = restarted(device)
    answer = parse(again.sent[-1])
    assert (answer.cra, answer.code, bytes(answer.counter)) == (2, ACTIVATE, (4).to_bytes(8, "big"))
    assert bytes(answer.recipient) == SUPPLIER and len(answer.date_time) == 12
    assert bytes(answer.payload) == b"\x30\x09\x02\x01\x00\x04\x04\x01\x23\xab\xcd"
    assert is_signature_right(again, again.sent[-1])
    count = len(again.sent)
    assert len(restarted(again).sent) == 0 and len(again.sent) == count


def test_later_activation_is_told_of_after_the_restart():
    device, image = world(), bytes(range(32))
    device.station.meter.values["firmware.image_hash"] = image
    assert send(device, activation(4, image, LATER), 4, ACTIVATE) == b"\x05\x00"
    device.station.meter.restarts, device.now_s = True, LATER_S
    count = len(device.sent)
    device.station.settle(device.alerts)
    assert len(device.sent) == count
    told = parse(restarted(device).sent[-1])
    assert told.code == 0x00CA and bytes(told.payload)[2:7] == b"\x02\x03\x00\x8f\x66"


def test_power_cut_in_the_middle_of_an_update():
    """At every step of the journal: all of the command or nothing; a future-dated one is done, and told, in the end."""
    template = world()
    kept = dict(template.journal.values)
    for when in (None, LATER):
        outcomes = set()
        for cut_at in range(1, 60):
            folder = scratch()
            try:
                steps = _update_with_a_cut(folder, kept, cut_at, when)
                device = world(_Quick(folder))
                device.now_s = LATER_S
                device.station.settle(device.alerts)
                keys = [device.anchors.cell(2, *cell).public_key for cell in ((0,), (4,), (4, PREPAYMENT))]
                is_new = [key == p256.public_key(private(80 + place)) for place, key in enumerate(keys)]
                assert is_new in ([True] * 3, [False] * 3), cut_at
                outcomes.add(is_new[0])
                device.journal.close()
            finally:
                wipe(folder)
            if not steps:
                break
        assert outcomes == {True, False}


def _Quick(folder):
    return Journal(folder, QuickFiles())


def _update_with_a_cut(folder, kept, cut_at, when):
    """Let the power go at a step of an update; return whether it went."""
    journal = _Quick(folder)
    journal.put_many(list(kept.items()))
    journal.close()
    files = CutFiles(cut_at, torn=cut_at % 7)
    journal = Journal(folder, files)
    device = world(journal)
    try:
        send(device, update(replacements=new_keys(), when=when))
        device.now_s = LATER_S
        device.station.settle(device.alerts)
    except PowerCut:
        return True
    journal.close()
    return False


def test_details_after_an_update_name_the_new_keys():
    device = world()
    send(device, update(replacements=new_keys()))
    ask = b"\x30\x0e\x30\x07\x02\x01\x04\x03\x02\x03\x08\x30\x03\x02\x01\x02"
    answer = device.handle(device.command(CELL_DETAILS, ask, BROKER, 1))
    assert Certificate(new_keys()[0][0]).key_id in bytes(parse(answer).payload)
