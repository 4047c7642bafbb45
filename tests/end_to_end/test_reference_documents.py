"""Every request document of the reference set for an electricity meter is carried out, on real MicroPython.

Each is given the next counter and goes to the least meter that has all that its use case names. What it
does to the meter stays: the next document finds it so. All pass in a Pico's heap.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from opensmets.bench.firmware import micropython_path
from opensmets.catalogue.use_cases import use_case
from opensmets.cli.answers import response_document
from opensmets.cli.conversation import NotAuthentic
from opensmets.cli.prepare import Choices, Prepared, prepare
from opensmets.duis.document import read_request
from opensmets.errors import UsageError
from opensmets.security.keystore import MissingKey
from tests.end_to_end.conftest import Households
from tests.end_to_end.walk import Visit, kind_of
from tests.host.round_trip import EUI, Household
from tests.host.test_duis_mutations import documents
from tests.reference import REFERENCE, needs_reference

pytestmark = [
    needs_reference,
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("round_trip"),
]
_OTHER_ROOT = "its certificates are under the reference's root, not under this meter's"
#: Room for what a meter has met: 150 documents, none of them after a start of its own.
#: What a meter refuses that is not in the state which a document means, by the beginnings of their names.
REFUSED = {
    "ECS70": "its clock is far from the document's", "CS06_11.3_IMMEDIATE": "it holds no such firmware",
    "CS04ACCritical": "it was not joined with that device", "CS02d": "the certificate is for a key of another device",
    "CS02bACBByACB": _OTHER_ROOT, "CS02bNOByNO": _OTHER_ROOT, "CS02bSupplierBySupplier_6.15.1_IMMEDIATE": _OTHER_ROOT,
    "CS02bSupplierByTransCoS_6.23_IMMEDIATE": _OTHER_ROOT,
    "CS02gLoadControllerBySupplier_6.15.1_IMMEDIATE": _OTHER_ROOT,
}  # fmt: skip
#: Documents whose command or answer only the reference's own keys can make or read.
STRANGE = {
    "ECS21b_4.14_URP_SUCCESS": NotAuthentic, "ECS46d_6.14.3_CANCELLATION_APC_OUTPUT_SUCCESS": MissingKey,
    "ECS46d_6.14.3_FUTURE_DATED_APC_OUTPUT_SUCCESS": MissingKey, "CS01a_2.2_SUCCESS": UsageError,
}  # fmt: skip


def scenario(path: Path) -> str:
    return path.name.removesuffix("_REQUEST_DUIS.XML")


def for_devices() -> list[Path]:
    """Return the documents that become a command; others the DCC carries out itself."""
    return [path for path in documents() if not read_request(path.read_bytes()).service.non_device]


def answered(household: Household, path: Path) -> tuple[Prepared, etree._Element]:
    """Send a document and return its answer, which is valid. Raises SmetsError."""
    name = scenario(path).split("_")[0]
    choices = Choices(renumber=True, inventory=household.inventory, use_case=name)
    prepared = prepare(path.read_bytes(), household.keystore, choices, lambda line: None)
    answer = etree.fromstring(response_document(household.carry_out(prepared.command), prepared.use_case))
    assert REFERENCE
    etree.XMLSchema(etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd")).assertValid(answer)
    return prepared, answer


@pytest.mark.parametrize("path", for_devices(), ids=scenario)
def test_every_document_is_carried_out(households: Households, path: Path) -> None:
    household = households(*kind_of(Visit(use_case(scenario(path).split("_")[0]))))
    if error := STRANGE.get(scenario(path)):
        with pytest.raises(error):
            answered(household, path)
        return
    prepared, answer = answered(household, path)
    assert prepared.request.target == EUI
    (content,) = answer.iterfind(".//{*}SMETSData/*")
    is_refused = any(scenario(path).startswith(one) for one in REFUSED)
    results = [one.get("ResponseCode") for one in answer.iterfind(".//{*}COSEMResponse")]
    assert content.get("MessageSuccess", "true") == ("false" if is_refused else "true"), results
