"""The device's own two certificates, kept for whoever asks for them; the device itself never needs one."""

_NAME = "device/certificate/%d"


def own_certificate(journal, usage):
    """Return the device's certificate (DER) for DIGITAL_SIGNATURE or KEY_AGREEMENT, or None."""
    return journal.get(_NAME % usage)


def own_certificate_pair(usage, encoded):
    """Return the journal's (key, value) of a certificate of the device's own; None takes it away."""
    return _NAME % usage, encoded
