"""The device's packed tables are the catalogue's, and the device reads from them what the catalogue says."""

from __future__ import annotations

from opensmets.catalogue.pack import FOLDER, TABLES
from opensmets.catalogue.pack_use_cases import ROLES, VERBS
from opensmets.catalogue.use_cases import UseCase, use_cases
from smets.message.alerts import AlertTable
from smets.message.authority import UseCaseTable

CRITICAL, SENT = 1, 2


def meter_use_cases() -> list[UseCase]:
    return [entry for entry in use_cases().values() if "ESME" in entry.devices and entry.command]


def test_committed_tables_are_current() -> None:
    for name, make in TABLES.items():
        assert (FOLDER / name).read_bytes() == make(), f"firmware/tables/{name} is old: make tables"


def variant_of(table: UseCaseTable, entry: UseCase) -> object:
    """Return the record of a use case: the variant that allows its originators."""
    roles = sum(1 << ROLES[name] for name in entry.originators if name in ROLES)
    variant = 0
    while (found := table.find(entry.message_code, variant)) is not None:
        if found.roles == roles and found.is_critical() == entry.critical:
            return found
        variant += 1
    raise AssertionError(entry.name)


def test_every_use_case_is_found_with_its_protection_and_items() -> None:
    table = UseCaseTable(str(FOLDER / "esme.use_cases"))
    for entry in meter_use_cases():
        found = variant_of(table, entry)
        flags = (
            (1, "signature" in entry.command),
            (2, "mac" in entry.command),
            (4, "signature" in entry.response),
            (8, "mac" in entry.response),
            (16, entry.response_time),
            (32, entry.name == "CS01a"),
        )
        assert found.protection == sum(bit for bit, is_set in flags if is_set), entry.name
        for item in entry.items:
            inner = item.inner and (item.inner.class_id, item.inner.obis, item.inner.member)
            target = item.target.class_id, item.target.obis, item.target.member
            assert table.allows(found, VERBS[item.verb], *target, inner), (entry.name, item)


def test_no_code_is_known_that_the_catalogue_lacks() -> None:
    table = UseCaseTable(str(FOLDER / "esme.use_cases"))
    known = {entry.message_code for entry in meter_use_cases()}
    assert {code for code in range(0x10000) if table.find(code)} == known


def test_alerts() -> None:
    table = AlertTable(str(FOLDER / "alerts"))
    assert table.find(0x8F36) == (CRITICAL | SENT | 16, 1 << 3, 0x0067)
    assert table.find(0x8F34) == (CRITICAL | SENT | 128, 1 << 2 | 1 << 3, 0)
    assert table.find(0x8F3D)[0] & (CRITICAL | SENT) == CRITICAL | SENT and table.find(0x8F3D)[1] == 1 << 2
    assert not table.find(0x8145)[0] & SENT
    assert table.find(0x810E)[0] & (CRITICAL | SENT) == SENT
    assert table.find(0x9999) == (CRITICAL | SENT, 1 << 2, 0)


def test_an_alert_with_a_message_code_of_its_own_is_protected_as_its_use_case_says() -> None:
    table = AlertTable(str(FOLDER / "alerts"))
    told = {code: entry for entry in use_cases().values() for code in entry.alert_codes}
    assert len(told) == sum(len(entry.alert_codes) for entry in use_cases().values())
    for code, entry in told.items():
        flags, _, message_code = table.find(code)
        assert message_code == entry.message_code and bool(flags & CRITICAL) == ("signature" in entry.alert), entry.name
    assert {code for code in range(0x10000) if table.find(code)[2]} == set(told)
