"""Which use case a request means: a service request variant has several where devices, roles or values differ."""

from __future__ import annotations

from dataclasses import dataclass

from opensmets.catalogue.request_mappings import mapping
from opensmets.catalogue.service_requests import CELLS
from opensmets.catalogue.use_cases import UseCase, use_cases
from opensmets.duis.document import Request
from opensmets.errors import SmetsError
from opensmets.transform.evaluation import is_mapped
from opensmets.transform.paths import holds


class Unsupported(SmetsError):
    """A request is well formed but no command is made from it (yet)."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the DCC's inventory knows of a device and a document does not say.

    `other_device` is the kind of device that the request would have it joined with (8.7, 8.11), the usual one
    for its use case unless given.
    """

    device: str = "ESME"
    polyphase: bool = False
    twin: bool = False
    other_device: str = ""

    @property
    def facts(self) -> dict[str, bool]:
        """The facts of catalogue/template.py."""
        return {"polyphase": self.polyphase, "twin": self.twin}


def candidates(request: Request, inventory: Inventory) -> list[UseCase]:
    """Return the use cases that the request's variant, values and device allow."""
    return [
        entry
        for entry in use_cases().values()
        if entry.service_request == request.variant
        and inventory.device in entry.devices
        and all(holds(one, request.body, inventory.facts) for one in mapping(entry.name).when)
    ]


def select(request: Request, inventory: Inventory, role: str | None = None, name: str | None = None) -> UseCase:
    """Return the use case of a request. `role` is the originator's (as in catalogue originators), `name` a wish.

    Raises Unsupported when none is made for this device, SmetsError when `name` does not fit the request.
    """
    if request.service.non_device:
        raise Unsupported(f"{request.variant} {request.service.name}: the DCC carries it out itself; no device gets it")
    found = candidates(request, inventory)
    if name is not None:
        found = [entry for entry in found if entry.name == name]
        if not found:
            raise SmetsError(f"{name} is not what this {request.variant} request for {inventory.device} means")
    else:
        found = [entry for entry in found if not mapping(entry.name).superseded] or found
        found = _by_role(found, role)
    return _only(request, inventory, found)


def _by_role(found: list[UseCase], role: str | None) -> list[UseCase]:
    """Leave the use cases that are for the role; without a role a supplier is supposed."""
    wanted = role or CELLS["IS"]
    return [entry for entry in found if mapping(entry.name).role in (None, wanted)]


def _only(request: Request, inventory: Inventory, found: list[UseCase]) -> UseCase:
    mapped = [entry for entry in found if is_mapped(entry, mapping(entry.name))]
    if len(mapped) == 1:
        return mapped[0]
    what = f"{request.variant} {request.service.name} for {inventory.device}"
    if mapped:
        raise SmetsError(f"{what}: could be {' or '.join(entry.name for entry in mapped)}; name the use case")
    names = ", ".join(entry.name for entry in found)
    raise Unsupported(f"{what}: {'not built yet: ' + names if names else 'no use case of GBCS fits'}")
