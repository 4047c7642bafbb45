"""Commands at the device: accepted as GBCS says, refused in its order, and nothing changed by a refused one."""

from smets.crypto.gcm import Gcm
from tests.firmware.message_world import (
    BROKER,
    CELL_DETAILS,
    CONTACTOR,
    COS,
    DEVICE,
    DISABLE,
    NOW_S,
    OPERATOR,
    READ_REGISTERS,
    READ_SWITCH,
    READ_VERSION,
    STRANGER,
    SUPPLIER,
    VERSION,
    World,
    access_request,
    alert_code,
    certificate_of,
    is_mac_right,
    is_signature_right,
    message_key,
    parse,
)

PROTECTED = b"\x03\x00\x1e\x00\x00\x2b\x02\x08\xff\x01"
MALFORMED, NO_AUTHORITY, NOT_AUTHENTIC, NOT_SUPPORTED = 0x8F1E, 0x8F30, 0x8F3D, 0x8F85
UNUSUAL_NUMBERS = 0x8F60


def read_command(world, counter=1000, **how):
    return world.command(READ_VERSION, access_request(counter, VERSION), counter=counter, **how)


def assert_refused(world, message, code):
    before = world.state()
    assert world.handle(message) is None
    assert world.state() == before
    assert refusals(world)[-1] == code, world.events


def refusals(world):
    """Return the events of single refusals."""
    return [code for code in world.events if code != UNUSUAL_NUMBERS]


def test_read_is_answered_with_a_mac_for_its_originator():
    for originator in (SUPPLIER, OPERATOR, BROKER):
        world = World()
        answer = world.handle(
            world.command(READ_SWITCH, access_request(7, b"\x01\x00\x46\x00\x00\x60\x03\x0a\xff\x03"), originator, 7)
        )
        parsed = parse(answer)
        assert (parsed.cra, parsed.code, bytes(parsed.counter)) == (2, READ_SWITCH, bytes(7) + b"\x07")
        assert (bytes(parsed.originator), bytes(parsed.recipient)) == (DEVICE, originator)
        assert parsed.signature is None and parsed.date_time is None and is_mac_right(world, answer, originator)
        assert not is_mac_right(world, answer, SUPPLIER if originator == OPERATOR else OPERATOR)
        assert world.events == [] and world.sent == []


def test_critical_command_is_answered_with_a_signature():
    world = World()
    answer = world.handle(world.command(DISABLE, access_request(9, CONTACTOR), counter=9, signed=True))
    assert parse(answer).mac is None and is_signature_right(world, answer)
    context = world.access.calls[0][1]
    assert context.origin == SUPPLIER + b"\x00\x50" + bytes(7) + b"\x09" and context.counter == 9


def test_response_time_and_sensitive_part_for_a_known_party():
    world = World()
    answer = world.handle(world.command(READ_REGISTERS, access_request(9, PROTECTED), counter=9))
    parsed = parse(answer)
    assert bytes(parsed.date_time) == b"\x07\xdf\x01\x01\xff\x00\x00\x00\x00\x80\x00\xff"
    sealed = bytearray(parsed.payload[7:])
    key = message_key(world.secret_with(SUPPLIER), 4, DEVICE, bytes(7) + b"\x09", SUPPLIER)
    text = memoryview(sealed)[:9]
    assert Gcm(key).open(DEVICE + bytes(4), b"\x31", text, bytes(sealed[9:]))
    assert bytes(text) == b"sensitive"


def test_unknown_party_with_its_certificate():
    world = World()
    third = bytes(6) + b"\x03\xec"
    payload = access_request(9, PROTECTED)
    how = {"originator": BROKER, "counter": 9, "supplementary": (STRANGER, third)}
    command = world.command(READ_REGISTERS, payload, certificate=certificate_of(STRANGER, "ka"), **how)
    answer = world.handle(command)
    parsed = parse(answer)
    assert (bytes(parsed.supplementary_id), bytes(parsed.supplementary_counter)) == (STRANGER, third)
    own = bytes(parsed.certificate)
    assert len(own) == 8 and bytes(parsed.recipient) == BROKER and is_mac_right(world, answer, BROKER)
    key = message_key(world.secret_with(STRANGER), 4, DEVICE, own, STRANGER)
    sealed = bytearray(parsed.payload[7:])
    assert Gcm(key).open(DEVICE + bytes(4), b"\x31", memoryview(sealed)[:9], bytes(sealed[9:]))
    assert world.access.calls[0][1].supplementary_eui == STRANGER
    how["counter"] = 10
    payload = access_request(10, PROTECTED)
    wrong = world.command(READ_REGISTERS, payload, certificate=certificate_of(SUPPLIER, "ka"), **how)
    assert_refused(world, wrong, MALFORMED)
    wrong = world.command(READ_REGISTERS, payload, certificate=certificate_of(STRANGER, "ds"), **how)
    assert_refused(world, wrong, MALFORMED)


def test_supplementary_fields_are_the_brokers():
    world = World()
    payload = access_request(9, VERSION)
    how = {"supplementary": (STRANGER, bytes(8)), "counter": 9}
    assert world.handle(world.command(READ_VERSION, payload, BROKER, **how)) is not None
    assert_refused(world, world.command(READ_VERSION, payload, SUPPLIER, **how), NO_AUTHORITY)


def test_cut_at_every_length():
    world = World()
    command = world.command(DISABLE, access_request(9, CONTACTOR), counter=9, signed=True)
    for size in range(len(command)):
        assert_refused(world, command[:size], MALFORMED)
    assert_refused(world, command + b"\x00", MALFORMED)
    assert world.handle(command) is not None


def test_every_flipped_bit_outside_the_recipient_is_refused():
    world = World()
    command = read_command(world)
    recipient = command.find(DEVICE)
    for place in range(len(command)):
        before = world.state()
        flipped = bytearray(command)
        flipped[place] ^= 1 << place % 8
        count = len(refusals(world))
        assert world.handle(bytes(flipped)) is None, place
        assert world.state() == before, place
        assert len(refusals(world)) == count + (not recipient <= place < recipient + 8), place
    assert world.handler.dropped == 8
    assert world.handle(command) is not None


def test_flipped_signature_and_wrong_signer():
    world = World()
    payload = access_request(9, CONTACTOR)
    good = world.command(DISABLE, payload, counter=9, signed=True)
    for place in (-13, -12 - 64, -40):
        # the broker MACs what it is given: the signature alone must tell
        assert_refused(world, good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :], NOT_AUTHENTIC)
    from tests.firmware.certificates import private

    forged = world.command(DISABLE, payload, counter=9, signed=True, signer=private(99))
    assert_refused(world, forged, NOT_AUTHENTIC)
    assert world.handle(good) is not None


def test_protection_must_be_the_use_cases():
    world = World()
    payload = access_request(9, CONTACTOR)
    assert_refused(world, world.command(DISABLE, payload, counter=9), NOT_AUTHENTIC)
    assert_refused(world, world.command(DISABLE, payload, counter=9, signed=True, mac=False), NOT_AUTHENTIC)
    assert_refused(world, read_command(world, signed=True), NOT_AUTHENTIC)
    assert_refused(world, read_command(world, mac_by=SUPPLIER), NOT_AUTHENTIC)
    assert_refused(world, read_command(world, cra=2), MALFORMED)


def test_replay_and_lower_counters_are_refused_after_a_restart_too():
    world = World()
    command = read_command(world, 1000)
    assert world.handle(command) is not None
    assert_refused(world, command, NOT_AUTHENTIC)
    assert_refused(world, read_command(world, 999), NOT_AUTHENTIC)
    again = World(world.journal)
    assert_refused(again, command, NOT_AUTHENTIC)
    assert again.handle(read_command(again, 1001)) is not None
    other = again.command(READ_SWITCH, access_request(5, b"\x01\x00\x46\x00\x00\x60\x03\x0a\xff\x03"), OPERATOR, 5)
    assert again.handle(other) is not None


def test_the_last_counter_there_is_locks_nobody_out():
    world = World()
    assert_refused(world, read_command(world, (1 << 64) - 1), NOT_AUTHENTIC)
    assert world.handle(read_command(world, (1 << 64) - 3)) is not None
    assert world.handle(read_command(world, (1 << 64) - 2)) is not None


def test_top_up_counters_are_their_own():
    world = World()
    token = b"\xd9\x20\x00\x00\x00\x00\x01\x03\x00\x73\x00\x00\x13\x28\x00\xff\x01\x01\x09\x01\x00"
    assert world.handle(world.command(0x0007, token, counter=3 << 32)) is not None
    assert world.handle(read_command(world, 1000)) is not None
    assert_refused(world, world.command(0x0007, token, counter=3 << 32), NOT_AUTHENTIC)
    assert world.handle(world.command(0x0007, token, counter=4 << 32)) is not None


def test_unentitled_parties():
    world = World()
    payload = access_request(9, CONTACTOR)
    for originator in (OPERATOR, COS, STRANGER, BROKER):
        signed = world.command(DISABLE, payload, originator, 9, signed=True)
        assert_refused(world, signed, NO_AUTHORITY)
    assert_refused(world, read_command(world, originator=STRANGER), NO_AUTHORITY)


def test_authority_is_the_cell_not_the_certificates_unit():
    # the broker's key, whose certificate says 04, stands in the supplier's cells as after a handover
    world = World(cells=((2, "ds", BROKER), (2, "ka", BROKER), (4, "ka", BROKER)))
    answer = world.handle(world.command(DISABLE, access_request(9, CONTACTOR), BROKER, 9, signed=True))
    assert answer is not None and is_signature_right(world, answer)


def test_other_devices_messages_are_dropped_in_silence():
    world = World()
    before = world.state()
    assert world.handle(read_command(world, recipient=STRANGER)) is None
    assert world.state() == before and world.events == [] and world.sent == [] and world.handler.dropped == 1


def test_unknown_message_code():
    world = World()
    command = world.command(0x7777, access_request(9, VERSION), counter=9)
    assert_refused(world, command, NOT_SUPPORTED)
    alert = parse(world.sent[0])
    assert alert.code == 0x0120 and bytes(alert.recipient) == SUPPLIER and is_signature_right(world, world.sent[0])
    assert bytes(alert.payload).endswith(b"\x09\x0a\x77\x77" + bytes(7) + b"\x09")
    supplementary = (STRANGER, bytes(7) + b"\x05")
    assert_refused(world, world.command(0x7777, b"", BROKER, 9, supplementary=supplementary), NOT_SUPPORTED)
    alert = parse(world.sent[1])
    assert (bytes(alert.recipient), bytes(alert.supplementary_id)) == (BROKER, STRANGER)


def test_items_of_another_use_case_are_not_carried_out():
    world = World()
    command = world.command(READ_VERSION, access_request(1000, VERSION, CONTACTOR))
    answer = parse(world.handle(command))
    assert world.access.calls == []
    assert bytes(answer.payload) == b"\xda\x20\x00\x03\xe8\x00\x00\x02\x00\x00\x02\x01\xfa\x03\x0d"


def test_payloads_of_another_shape_get_an_error_response():
    world = World()
    for number, payload in enumerate((b"", b"\xd9", b"\xda\x20\x00\x00\x01\x00\x00", bytes(40))):
        answer = parse(world.handle(world.command(READ_VERSION, payload, counter=number + 1)))
        assert bytes(answer.payload) == b"\xda\x20\x00\x00" + bytes((number + 1,)) + bytes(4)
    foreign_id = access_request(77, VERSION)
    assert bytes(parse(world.handle(world.command(READ_VERSION, foreign_id, counter=78))).payload)[-2:] == b"\x00\x00"
    assert world.access.calls == []


def test_refusals_raise_alerts_and_repeats_are_limited():
    world = World()
    command = read_command(world)
    bad = command[:-1] + bytes((command[-1] ^ 1,))
    for _ in range(20):
        world.handle(bad)
    assert len(world.events) == 20 and world.handler.refused == {NOT_AUTHENTIC: 20}
    assert len(world.sent) == 5
    alert = parse(world.sent[0])
    assert alert_code(world.sent[0]) == NOT_AUTHENTIC and alert.code == 0x1000
    assert bytes(alert.recipient) == SUPPLIER and is_signature_right(world, world.sent[0])
    counters = [bytes(parse(message).counter) for message in world.sent]
    assert counters == sorted(counters) and len(set(counters)) == 5
    world.now_s += 60
    world.handle(bad)
    world.handle(bad)
    assert len(world.sent) == 6


def test_unusual_numbers_of_refusals_are_told_once_an_hour():
    world = World()
    command = read_command(world)
    bad = command[:-1] + bytes((command[-1] ^ 1,))
    for minute in range(180):
        world.now_s = NOW_S + minute * 60
        for _ in range(1 if minute < 60 else 2):
            world.handle(bad)
    told = [code for code in world.events if code != NOT_AUTHENTIC]
    assert told == 3 * [UNUSUAL_NUMBERS]
    alerts = [parse(message) for message in world.sent if alert_code(message) == UNUSUAL_NUMBERS]
    assert len(alerts) == 3 and bytes(alerts[0].recipient) == SUPPLIER and alerts[0].code == 0x1000
    quiet = World()
    for minute in range(0, 600, 3):  # twenty an hour are nothing unusual
        quiet.now_s = NOW_S + minute * 60
        quiet.handle(bad)
    assert UNUSUAL_NUMBERS not in quiet.events


def test_cell_details_by_mac_and_by_signature():
    world = World()
    ask = b"\x30\x11\x30\x07\x02\x01\x04\x03\x02\x03\x08\x30\x06\x02\x01\x03\x02\x01\x06"
    answer = world.handle(world.command(CELL_DETAILS, ask, BROKER, 1))
    payload = bytes(parse(answer).payload)
    assert is_mac_right(world, answer, BROKER)
    found = [cell for cell in world.anchors if cell.role == 3]
    cells = b"".join(
        [
            b"\x30\x18\x03\x02" + bits + b"\x04\x08" + cell.eui + b"\x04\x08" + cell.key_id
            for bits, cell in ((b"\x07\x80", found[0]), (b"\x03\x08", found[1]))
        ]
    )
    operator = b"\x30\x3f\x02\x01\x03\x0a\x01\x00\x02\x01\x00\x30\x34" + cells
    assert payload == b"\x30\x49" + operator + b"\x30\x06\x02\x01\x06\x0a\x01\x19"
    by_cos = ask.replace(b"\x02\x01\x04\x03\x02\x03\x08", b"\x02\x01\x05\x03\x02\x07\x80")
    answer = world.handle(world.command(CELL_DETAILS, by_cos, COS, 1, signed=True, mac=False))
    assert is_signature_right(world, answer) and parse(answer).mac is None
    assert bytes(parse(answer).payload) == payload
    answer = world.handle(world.command(CELL_DETAILS, ask, COS, 2, signed=True, mac=False))
    assert bytes(parse(answer).payload) == b"\x30\x10\x30\x06\x02\x01\x03\x0a\x01\x7f\x30\x06\x02\x01\x06\x0a\x01\x7f"


def test_cell_details_asked_in_another_shape():
    for ask in (b"", b"\x30\x00", b"\x30\x11" + bytes(17), b"\x30\x80"):
        world = World()
        assert world.handle(world.command(CELL_DETAILS, ask, BROKER, 1)) is None
        assert world.events == [MALFORMED]
