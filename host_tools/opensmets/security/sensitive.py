"""The sensitive parts of responses and alerts: where they lie, and which key they take (GBCS 8.4).

In DLMS a protected attribute is a pair: an array with one set of protection parameters, and an octet string of
security header, cipher text and tag (class 30). In GBZ it is the payload of an encrypted component.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opensmets.layouts import gbz, xdlms
from opensmets.layouts.axdr import Data
from opensmets.layouts.envelope import ALERT, COMMAND, Message
from opensmets.security.keystore import KeyStore
from opensmets.security.suite import ENCRYPTION_FLAG, ENCRYPTION_HEADER, decrypt, encrypt


@dataclass(frozen=True, slots=True)
class SealedPart:
    """Cipher text and tag, and the place: index of the item or component."""

    index: int
    octets: bytes


def _is_sealed(parameters: Data, attributes: Data) -> bool:
    shaped = parameters.type == "array" and len(parameters) == 1 and attributes.type == "octets"
    return shaped and attributes.value.startswith(ENCRYPTION_HEADER)


def protected_attributes(elements: tuple[Data, ...]) -> bytes | None:
    """Return the sealed octets when two of `elements`, side by side, are a protected attribute; else None."""
    for parameters, attributes in zip(elements, elements[1:], strict=False):
        if _is_sealed(parameters, attributes):
            sealed: bytes = attributes.value[len(ENCRYPTION_HEADER) :]
            return sealed
    return None


def _dlms_parts(payload: bytes) -> Iterator[SealedPart]:
    message = xdlms.decode(payload)
    if isinstance(message, xdlms.AccessResponse):
        candidates = [element.value for element in message.data if element.type == "structure"]
        indexes = [at for at, element in enumerate(message.data) if element.type == "structure"]
    else:
        candidates = [message.extra] if isinstance(message, xdlms.Notification) else []
        indexes = [0]
    for index, elements in zip(indexes, candidates, strict=False):
        sealed = protected_attributes(elements)
        if sealed is not None:
            yield SealedPart(index, sealed)


def _gbz_parts(payload: bytes, *, alert: bool) -> Iterator[SealedPart]:
    for index, component in enumerate(gbz.decode(payload, alert=alert).components):
        if component.encrypted:
            yield SealedPart(index, component.payload)


def sealed_parts(message: Message) -> tuple[SealedPart, ...]:
    """Return the sensitive parts of a response or alert, in order. Raises LayoutError for a malformed payload."""
    # without the security header there is none: most payloads need no taking apart
    if message.cra_flag == COMMAND or ENCRYPTION_HEADER not in message.payload:
        return ()
    if message.payload.startswith(gbz.PROFILE):
        return tuple(_gbz_parts(message.payload, alert=message.cra_flag == ALERT))
    if message.payload[0] in (xdlms.ACCESS_RESPONSE, xdlms.DATA_NOTIFICATION):
        return tuple(_dlms_parts(message.payload))
    return ()


def encryption_key(message: Message, keystore: KeyStore) -> bytes:
    """Return the key of the sensitive parts of a response or alert. Raises MissingKey.

    The party that may read is the supplementary one if there is one, else the recipient; its counter is the
    supplementary originator counter if there is one, else the message's.
    """
    party = message.supplementary_party or message.recipient
    counter = message.supplementary_originator_counter
    secret = keystore.shared_secret(party, message.originator)
    return secret.key(message.originator, ENCRYPTION_FLAG, message.counter if counter is None else counter, party)


def decrypt_parts(message: Message, keystore: KeyStore) -> tuple[bytes, ...]:
    """Return the plain octets of each sensitive part. Raises MissingKey, or SmetsError when a tag is wrong."""
    parts = sealed_parts(message)
    if not parts:
        return ()
    key = encryption_key(message, keystore)
    return tuple(decrypt(key, message.originator, part.octets) for part in parts)


def encrypt_part(message: Message, keystore: KeyStore, plain: bytes) -> bytes:
    """Return cipher text and tag of a sensitive part of `message`, as its device would send it."""
    return encrypt(encryption_key(message, keystore), message.originator, plain)
