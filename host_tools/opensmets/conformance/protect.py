"""Level 2: the host verifies every message, and protects a pre-command into the command byte for byte."""

from __future__ import annotations

from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import PASS, Mismatch, Verdict, describe_difference, not_applicable
from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import protect_command, verify

#: Device to device messages: no private key for either end is published, so nobody outside can check their MAC.
BETWEEN_DEVICES = ("PCS01", "PCS02")
NO_KEY_BETWEEN_DEVICES = "device to device: no private key for either end is published"


def judge(scenario: Scenario, keystore: KeyStore | None) -> Verdict:
    """Judge one scenario's messages."""
    if keystore is None:
        return not_applicable("no key store was given (--keystore)")
    if scenario.use_case in BETWEEN_DEVICES:
        return not_applicable(NO_KEY_BETWEEN_DEVICES)
    if not scenario.messages:
        return not_applicable("the scenario has no protected message")
    try:
        for name, octets in scenario.messages.items():
            _verify(name, octets, keystore)
        if scenario.precommand and scenario.command:
            _protect(scenario.precommand, scenario.command, keystore)
    except (Mismatch, SmetsError) as error:
        return Verdict("fail", str(error))
    return PASS


def _verify(name: str, octets: bytes, keystore: KeyStore) -> None:
    message = envelope.decode(octets)
    if envelope.encode(message) != octets:
        raise Mismatch(f"{name}: decoding and encoding it again gives other bytes")
    verdict = verify(message, keystore)
    if not verdict.authentic or verdict.why:
        raise Mismatch(f"{name}: {'; '.join(verdict.why) or 'nothing protects it'}")


def _protect(precommand: bytes, command: bytes, keystore: KeyStore) -> None:
    """Put the reference's signature on the pre-command, MAC it again, and compare."""
    signature = envelope.decode(command).signature
    made = protect_command(precommand, keystore, signature=signature)
    if made != command:
        raise Mismatch(f"command made from the pre-command {describe_difference(command, made)}")
