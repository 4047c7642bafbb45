"""The DUIS service request variants: `data/service_requests.toml` as typed entries."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from opensmets.errors import SmetsError

#: The trust anchor cell that a DUIS eligible role's key is in when the device knows the party.
CELLS = {
    "IS": "supplier", "GS": "supplier", "ED": "network_operator", "GT": "network_operator", "ES": "acb", "OU": "acb",
    "RSA": "acb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One service request variant.

    `future_dating` is `No`, `Device`, `DSP` (the DCC waits) or both; `non_device` ones are carried out by the DCC
    alone. `roles` are DUIS user roles (IS import supplier, ES export supplier, GS gas supplier, ED electricity
    distributor, GT gas transporter, RSA registered supplier agent, OU other user).
    """

    variant: str
    name: str
    critical: bool
    future_dating: str
    non_device: bool
    roles: tuple[str, ...]
    use_cases: tuple[str, ...]


@cache
def service_requests() -> dict[str, ServiceRequest]:
    """Return every service request variant by its number."""
    file = resources.files("opensmets.catalogue").joinpath("data/service_requests.toml")
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        variant: ServiceRequest(
            variant=variant, roles=tuple(fields.pop("roles")), use_cases=tuple(fields.pop("use_cases")), **fields
        )
        for variant, fields in entries.items()
    }


def service_request(variant: str) -> ServiceRequest:
    """Return one variant. Raises SmetsError when there is none of that number."""
    try:
        return service_requests()[variant]
    except KeyError:
        raise SmetsError(f"ServiceReferenceVariant {variant} is none of DUIS 5.4's") from None
