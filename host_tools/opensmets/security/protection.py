"""Messages and keys together: verify what came, sign and MAC what goes (GBCS 6 and 8).

A command's MAC takes the access control broker's key and the device's; a response's or alert's, its recipient's and
the device's. Every signature is the originator's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from opensmets.catalogue.use_cases import UseCase, by_message_code
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import COMMAND, MAC_SIZE, Message
from opensmets.security import suite
from opensmets.security.keystore import KeyStore, MissingKey, format_eui
from opensmets.security.sensitive import decrypt_parts

State = Literal["valid", "invalid", "absent", "no key"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. `decrypted` has the plain octets of each sensitive part; `why` one line a trouble."""

    mac: State
    signature: State
    decrypted: tuple[bytes, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def authentic(self) -> bool:
        """Whether something protects the message, and all that does is valid."""
        states = {self.mac, self.signature}
        return "valid" in states and states <= {"valid", "absent"}

    def __repr__(self) -> str:
        """Show the verdict; decrypted octets are somebody's meter readings and stay out."""
        states = f"mac={self.mac!r}, signature={self.signature!r}"
        return f"Verdict({states}, decrypted={len(self.decrypted)}, why={self.why!r})"


def use_case_of(message: Message, keystore: KeyStore | None = None) -> UseCase:
    """Return the use case of a message: of the variants of its code, the one whose originators have its role.

    Raises SmetsError when no use case has the code.
    """
    variants = by_message_code().get(message.message_code)
    if not variants:
        raise SmetsError(f"message code {message.message_code:04X} is no use case in the catalogue")
    if len(variants) == 1 or keystore is None:
        return variants[0]
    remote = message.originator if message.cra_flag == COMMAND else message.recipient
    try:
        role = keystore.party(remote).role
    except MissingKey:
        return variants[0]
    return next((one for one in variants if role in one.originators), variants[0])


def _from_device(message: Message) -> bool:
    variants = by_message_code().get(message.message_code, ())
    return any(one.originators == ("device",) for one in variants)


def mac_parties(message: Message, keystore: KeyStore) -> tuple[bytes, bytes]:
    """Return the remote party and the device whose key-agreement keys make the MAC key (GBCS 6.3.4)."""
    if message.cra_flag != COMMAND:
        return message.recipient, message.originator
    if _from_device(message):
        return message.originator, message.recipient
    return keystore.acb(), message.recipient


def compute_mac(message: Message, keystore: KeyStore) -> bytes:
    """Return the MAC that `message` as it stands should have. Raises MissingKey."""
    secret = keystore.shared_secret(*mac_parties(message, keystore))
    key = secret.key(message.originator, message.cra_flag, message.counter, message.recipient)
    return suite.mac(key, message.originator, message.maced_octets)


def _verify_mac(message: Message, keystore: KeyStore) -> bool:
    return suite.same(compute_mac(message, keystore), message.mac or b"")


def _verify_signature(message: Message, keystore: KeyStore) -> bool:
    key = keystore.public_key(message.originator, "ds")
    return suite.verify_signature(key, message.signature or b"", message.signed_octets)


def verify(message: Message, keystore: KeyStore) -> Verdict:
    """Check MAC and signature of a decoded message and decrypt its sensitive parts.

    Nothing is decrypted when a check fails. A key that is missing is a verdict, not an error.
    """
    states: list[State] = []
    why: list[str] = []
    checks = ((message.mac, "MAC", _verify_mac), (message.signature, "signature", _verify_signature))
    for tag, name, check in checks:
        if not tag:
            states.append("absent")
            continue
        try:
            states.append("valid" if check(message, keystore) else "invalid")
        except MissingKey as error:
            states.append("no key")
            why.append(f"{name}: {error}")
        if states[-1] == "invalid":
            why.append(f"{name} is not that of {format_eui(message.originator)}: altered, or other keys")
    decrypted: tuple[bytes, ...] = ()
    if "invalid" not in states:
        try:
            decrypted = decrypt_parts(message, keystore)
        except SmetsError as error:
            why.append(str(error))
    return Verdict(states[0], states[1], decrypted, tuple(why))


def _precommand(octets: bytes) -> Message:
    message = envelope.decode(octets)
    if message.cra_flag != COMMAND or message.mac is not None:
        raise SmetsError("not a pre-command: it must be a command without a MAC header")
    return message


def sign_precommand(precommand: bytes, keystore: KeyStore) -> bytes:
    """Return the signed pre-command: the pre-command with its originator's signature.

    Raises SmetsError when it is no pre-command or is signed already, MissingKey without the originator's key.
    """
    message = _precommand(precommand)
    if not message.is_precommand:
        raise SmetsError("the pre-command is signed already")
    key = keystore.private_key(message.originator, "ds")
    return envelope.encode(replace(message, signature=suite.sign(key, message.signed_octets)))


def add_mac(message: Message, keystore: KeyStore) -> Message:
    """Return `message` with the MAC that its parties' keys give. Raises MissingKey."""
    unmaced = envelope.decode(envelope.encode(replace(message, mac=bytes(MAC_SIZE))))
    return replace(unmaced, mac=compute_mac(unmaced, keystore))


def protect_command(precommand: bytes, keystore: KeyStore, *, signature: bytes | None = None) -> bytes:
    """Return the command that goes to the device, from a pre-command or a signed pre-command.

    The use case says what protects it: a critical command gets `signature`, or the one it bears, or one made with
    the originator's key; the MAC is the access control broker's. Raises SmetsError, MissingKey.
    """
    message = _precommand(precommand)
    entry = use_case_of(message, keystore)
    if signature is not None:
        message = replace(message, signature=signature)
    elif message.is_precommand and entry.critical:
        message = envelope.decode(sign_precommand(precommand, keystore))
    elif message.is_precommand:
        message = replace(message, signature=b"")
    if "mac" in entry.command:
        message = add_mac(replace(message, raw=b""), keystore)
    return envelope.encode(message)
