"""Every conversion that a template may name, and every maker of a whole payload."""

from __future__ import annotations

from opensmets.transform import auxiliary, credential_updates, credentials, moments, prepayment, settings, tariffs
from opensmets.transform.scope import Conversion, PayloadMaker

CONVERSIONS: dict[str, Conversion] = {
    **moments.CONVERSIONS,
    **tariffs.CONVERSIONS,
    **prepayment.CONVERSIONS,
    **auxiliary.CONVERSIONS,
    **settings.CONVERSIONS,
}
PAYLOADS: dict[str, PayloadMaker] = {**credentials.PAYLOADS, **credential_updates.PAYLOADS}
