"""The table of what raises each alert code: complete, current, and naming functions and tests that there are."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from opensmets.catalogue.alert_behaviour import DOCUMENT, alert_behaviour, document
from opensmets.catalogue.pack_alerts import alert_flags
from tests.reference import REFERENCE, needs_reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "docs/alerts.md is old: make tables"


@needs_reference
def test_every_code_of_the_reference_is_in_it_once() -> None:
    assert REFERENCE
    with (REFERENCE / "spec/alert_codes.csv").open(encoding="utf-8") as rows:
        codes = [int(row["alert_code"], 16) for row in csv.DictReader(rows)]
    assert sorted(alert_behaviour()) == sorted(codes) == sorted(alert_flags())
    text = document()
    for code in codes:
        assert text.count(f"\n| 0x{code:04X} |") == 1


def test_each_code_is_raised_or_it_is_said_why_not() -> None:
    for code, entry in alert_behaviour().items():
        assert set(entry) in ({"by", "test"}, {"why"}), hex(code)


def test_the_functions_and_tests_exist() -> None:
    for code, entry in alert_behaviour().items():
        if "why" in entry:
            continue
        file, _, function = entry["by"].partition(" ")
        source = (ROOT / "firmware/smets" / file).read_text(encoding="utf-8")
        assert not function or re.search(rf"^ *def {function}\(", source, re.M), hex(code)
        file, _, name = entry["test"].partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.M), hex(code)
