"""An answer for programs and for people follows the document, whatever is in it."""

from __future__ import annotations

from opensmets.cli.xml_view import answer_of, as_json, as_lines, read_document

DOCUMENT = b"""<?xml version="1.0"?>
<ra:GBCSResponse xmlns:ra="urn:x" schemaVersion="5.4"><ra:Body><ra:ResponseMessage><ra:SMETSData>
  <ra:ReadRsp MessageSuccess="true"><!-- a remark -->
    <ra:Value index="1">10</ra:Value><ra:Value index="2">20</ra:Value><ra:Empty/>
    <ra:Unit> Wh </ra:Unit>
  </ra:ReadRsp></ra:SMETSData></ra:ResponseMessage></ra:Body></ra:GBCSResponse>"""


def test_json_has_attributes_lists_and_texts() -> None:
    answer = as_json(DOCUMENT)["GBCSResponse"]["Body"]["ResponseMessage"]["SMETSData"]["ReadRsp"]
    assert answer == {
        "@MessageSuccess": "true",
        "Value": [{"@index": "1", "value": "10"}, {"@index": "2", "value": "20"}],
        "Empty": "",
        "Unit": "Wh",
    }


def test_lines_number_what_repeats() -> None:
    found = answer_of(DOCUMENT)
    assert found is not None
    assert as_lines(found) == [
        ("Value 1 / index", "1"), ("Value 1", "10"), ("Value 2 / index", "2"), ("Value 2", "20"), ("Unit", "Wh"),
    ]  # fmt: skip


def test_an_empty_answer_has_no_lines() -> None:
    assert answer_of(b"<a><SMETSData/></a>") is None
    assert as_lines(read_document(b"<a/>")) == []
