"""The manufacturer's public key, with which firmware images are signed; provisioned, and never replaced."""

MANUFACTURER = "device/manufacturer"
"""Key in the journal."""


def manufacturer_key(journal):
    """Return the key (X||Y), or None when none was provisioned: such a device takes no image."""
    return journal.get(MANUFACTURER)
