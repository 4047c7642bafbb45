"""XML signatures of documents: made, verified, and refused when anything about them is not as it has to be."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from opensmets.duis.document import parse_document
from opensmets.duis.xml_signature import DSIG, SignatureError, is_placeholder, sign, signer, verify
from tests.host.duis_documents import document
from tests.reference import REFERENCE, needs_reference


def certificate_of(key: ec.EllipticCurvePrivateKey, serial: int = 77) -> x509.Certificate:
    name = x509.Name.from_rfc4514_string("CN=Z1,OU=07")
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial)
    moments = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    return builder.not_valid_before(moments[0]).not_valid_after(moments[1]).sign(key, hashes.SHA256())


KEY = ec.derive_private_key(0x1234567, ec.SECP256R1())
CERTIFICATE = certificate_of(KEY)
OTHER_KEY = ec.derive_private_key(0x7654321, ec.SECP256R1())


def request() -> etree._Element:
    return parse_document(document("7.2", "<DisableSupply/>", command_variant=4), "Request")


def signed() -> etree._Element:
    return parse_document(sign(request(), KEY, CERTIFICATE), "Request")


def at(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f".//{{{DSIG}}}{name}")
    assert found is not None
    return found


def test_a_signature_verifies_and_names_its_maker() -> None:
    root = signed()
    assert verify(root, CERTIFICATE)
    assert signer(root) == (CERTIFICATE.issuer, 77)
    assert not is_placeholder(root)


def test_the_shape_is_duis_s_and_judged_by_another_implementation() -> None:
    """SignedInfo in exclusive canonical form is what is signed; the digest is of the document without its signature."""
    root = signed()
    info, value = at(root, "SignedInfo"), base64.b64decode("".join(at(root, "SignatureValue").itertext()))
    canonical = etree.tostring(info, method="c14n", exclusive=True)
    numbers = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    KEY.public_key().verify(encode_dss_signature(*numbers), canonical, ec.ECDSA(hashes.SHA256()))
    signature = at(root, "Signature")
    before = signature.getprevious()
    root.remove(signature)
    assert before is not None and before.tail is not None
    digest = hashes.Hash(hashes.SHA256())
    digest.update(etree.tostring(root, method="c14n"))
    assert at(signature, "DigestValue").text == base64.b64encode(digest.finalize()).decode()
    assert [transform.get("Algorithm") for transform in signature.iter(f"{{{DSIG}}}Transform")] == [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
    ]


def test_signing_leaves_the_document_and_replaces_an_old_signature() -> None:
    root = request()
    plain = etree.tostring(root)
    again = parse_document(sign(signed(), OTHER_KEY, certificate_of(OTHER_KEY, 78)), "Request")
    assert etree.tostring(root) == plain
    assert len(again.findall(f"{{{DSIG}}}Signature")) == 1
    assert verify(again, certificate_of(OTHER_KEY, 78)) and not verify(again, CERTIFICATE)


def test_any_change_is_noticed() -> None:
    root = signed()
    body = root.find(".//{*}RequestID")
    assert body is not None and body.text
    body.text = body.text[:-1] + "6"
    assert not verify(root, CERTIFICATE)
    root = signed()
    at(root, "SignatureValue").text = base64.b64encode(bytes(64)).decode()
    assert not verify(root, CERTIFICATE)
    assert not verify(signed(), certificate_of(OTHER_KEY))
    assert not verify(signed(), certificate_of(KEY, 78))


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("SignatureMethod", "Algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
        ("CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        ("Transform", "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#"),
        ("DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"),
        ("Reference", "URI", "#part"),
    ],
)
def test_another_shape_is_refused(name: str, attribute: str, value: str) -> None:
    root = signed()
    at(root, name).set(attribute, value)
    with pytest.raises(SignatureError, match=name if name != "Reference" else "whole document"):
        verify(root, CERTIFICATE)


def test_two_references_or_transforms_are_refused() -> None:
    for name, inside in (("Reference", "SignedInfo"), ("Transform", "Transforms")):
        root = signed()
        at(root, inside).append(etree.fromstring(etree.tostring(at(root, name))))
        with pytest.raises(SignatureError):
            verify(root, CERTIFICATE)


def test_a_missing_signature_or_foreign_key_is_said() -> None:
    for judge in (is_placeholder, signer):
        with pytest.raises(SignatureError, match="0 stand in the document"):
            judge(request())
    with pytest.raises(SignatureError, match="not the certificate's"):
        sign(request(), OTHER_KEY, CERTIFICATE)
    with pytest.raises(SignatureError, match="P-256"):
        sign(request(), ec.generate_private_key(ec.SECP384R1()), CERTIFICATE)


@needs_reference
def test_reference_documents_bear_placeholders() -> None:
    assert REFERENCE
    for path in (REFERENCE / "duis" / "requests").glob("*_7.*.XML"):
        root = parse_document(path.read_bytes(), "Request")
        assert is_placeholder(root)
        with pytest.raises(SignatureError, match="32 octets"):
            verify(root, CERTIFICATE)
        resigned = parse_document(sign(root, KEY, CERTIFICATE), "Request")
        assert verify(resigned, CERTIFICATE) and not is_placeholder(resigned)
