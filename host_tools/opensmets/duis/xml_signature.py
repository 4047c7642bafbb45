"""XML signatures of DUIS documents (XML Signature 1.1, in the one shape that DUIS allows; DUIS clause 2.4).

ECDSA on P-256 with SHA-256 over a SignedInfo in exclusive canonical form; one reference, to the whole document, with
the enveloped-signature transform and nothing else, digested by SHA-256; the signer named by its certificate's issuer
and serial number.
"""

from __future__ import annotations

import base64
import binascii
import re

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from opensmets.duis.validation import child_elements
from opensmets.errors import SmetsError

DSIG = "http://www.w3.org/2000/09/xmldsig#"
CANONICAL = "http://www.w3.org/2001/10/xml-exc-c14n#"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNATURE_SIZE, DIGEST_SIZE = 64, 32
#: What test documents bear for a digest or signature that is still to be made.
PLACEHOLDERS = (b"", b"default")


class SignatureError(SmetsError):
    """A document has no XML signature, or one of another shape than DUIS's, or a key does not fit."""


def sign(document: etree._Element, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    """Return a document signed with `key`; a signature that it bears is replaced. `document` itself stays as it is.

    `certificate` is the signer's digital-signing certificate. Raises SignatureError when the key is not its key.
    """
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignatureError("XML signature: the key is not on P-256; use the originator's ds key")
    if key.public_key() != certificate.public_key():
        raise SignatureError("XML signature: the key is not the certificate's; use one party's ds key and certificate")
    root = etree.fromstring(etree.tostring(document))
    for old in root.findall(_tag("Signature")):
        _remove(old)
    signature = _template(certificate)
    root.append(signature)
    context = xmlsec.SignatureContext()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def verify(document: etree._Element, certificate: x509.Certificate) -> bool:
    """Return whether the document's signature is `certificate`'s holder's, over the document as it is.

    Raises SignatureError when there is no signature or it is not of DUIS's shape.
    """
    signature = _find(document)
    _check_shape(signature)
    if signer(document) != (certificate.issuer, certificate.serial_number):
        return False
    # xmlsec works on the tree: it gets a copy, so that a failure leaves nothing behind
    root = etree.fromstring(etree.tostring(document))
    pem = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    context = xmlsec.SignatureContext()
    try:
        context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
        context.verify(_find(root))
    except xmlsec.Error:
        return False
    return True


def is_placeholder(document: etree._Element) -> bool:
    """Return whether the signature's digest and value are both stand-ins (empty, or the text `default`).

    Raises SignatureError when there is no signature.
    """
    signature = _find(document)
    values = [_octets(signature, path) for path in ("SignedInfo/Reference/DigestValue", "SignatureValue")]
    return all(value in PLACEHOLDERS for value in values)


def signer(document: etree._Element) -> tuple[x509.Name, int]:
    """Return the signer's certificate's issuer and serial number. Raises SignatureError when none is named."""
    serial = _text(_find(document), "KeyInfo/X509Data/X509IssuerSerial/X509SerialNumber")
    issuer = _text(_find(document), "KeyInfo/X509Data/X509IssuerSerial/X509IssuerName")
    # RFC 2253 allowed spaces behind commas, its successor does not
    issuer = re.sub(r"(?<!\\),\s+", ",", issuer)
    try:
        return x509.Name.from_rfc4514_string(issuer), int(serial)
    except ValueError:
        raise SignatureError("XML signature: X509IssuerSerial is not an issuer's name and a number") from None


def _tag(name: str) -> str:
    return f"{{{DSIG}}}{name}"


def _remove(element: etree._Element) -> None:
    """Take an element out, but not the text that follows it."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _find(document: etree._Element) -> etree._Element:
    found = document.findall(_tag("Signature"))
    if len(found) != 1:
        raise SignatureError(f"XML signature: {len(found)} stand in the document where one should")
    return found[0]


def _at(signature: etree._Element, path: str) -> etree._Element:
    found = signature.findall("/".join(_tag(name) for name in path.split("/")))
    if len(found) != 1:
        raise SignatureError(f"XML signature: {path} stands {len(found)} times where once is right")
    return found[0]


def _text(signature: etree._Element, path: str) -> str:
    return str(_at(signature, path).xpath("string()")).strip()


def _octets(signature: etree._Element, path: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(signature, path).split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError(f"XML signature: {path} is not base64") from None


def _check_shape(signature: etree._Element) -> None:
    """Refuse every other algorithm, transform and reference: what is verified has to be the whole document."""
    rules = {
        "SignedInfo/CanonicalizationMethod": CANONICAL,
        "SignedInfo/SignatureMethod": ECDSA_SHA256,
        "SignedInfo/Reference/Transforms/Transform": ENVELOPED,
        "SignedInfo/Reference/DigestMethod": SHA256,
    }
    for path, algorithm in rules.items():
        element = _at(signature, path)
        if element.get("Algorithm") != algorithm or child_elements(element):
            raise SignatureError(f"XML signature: {path} should be {algorithm}")
    if _at(signature, "SignedInfo/Reference").get("URI") != "":
        raise SignatureError('XML signature: SignedInfo/Reference should have URI="", the whole document')
    for path, size in (("SignedInfo/Reference/DigestValue", DIGEST_SIZE), ("SignatureValue", SIGNATURE_SIZE)):
        if len(_octets(signature, path)) != size:
            raise SignatureError(f"XML signature: {path} should have {size} octets; sign the document")


def _add(parent: etree._Element, name: str, algorithm: str | None = None, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _tag(name), {"Algorithm": algorithm} if algorithm else None)
    element.text = text
    return element


def _template(certificate: x509.Certificate) -> etree._Element:
    """Return the Signature element that xmlsec fills in."""
    signature = etree.Element(_tag("Signature"), nsmap={"ds": DSIG})
    info = _add(signature, "SignedInfo")
    _add(info, "CanonicalizationMethod", CANONICAL)
    _add(info, "SignatureMethod", ECDSA_SHA256)
    reference = _add(info, "Reference")
    reference.set("URI", "")
    _add(_add(reference, "Transforms"), "Transform", ENVELOPED)
    _add(reference, "DigestMethod", SHA256)
    _add(reference, "DigestValue")
    _add(signature, "SignatureValue")
    issuer_serial = _add(_add(_add(signature, "KeyInfo"), "X509Data"), "X509IssuerSerial")
    _add(issuer_serial, "X509IssuerName", text=certificate.issuer.rfc4514_string())
    _add(issuer_serial, "X509SerialNumber", text=str(certificate.serial_number))
    return signature
