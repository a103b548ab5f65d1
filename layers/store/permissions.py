"""Who may see and who may change what. Every read of the store and every page asks these functions, and nothing else decides."""

from __future__ import annotations

from layers.model import Audience, Descriptor, Viewer
from layers.region import Region

ROLES = ("viewer", "analyst", "admin")


def may_see(descriptor: Descriptor, viewer: Viewer, region: Region) -> bool:
    """Whether a viewer may see a layer with this descriptor. Anything not known to be allowed is not."""
    return may_read(descriptor.audience, descriptor.partner, viewer, region)


def may_read(audience: str, partner: str, viewer: Viewer, region: Region) -> bool:
    """Whether a viewer is one of those whom ``audience`` names, for a layer or briefing of ``partner``."""
    if audience == Audience.PUBLIC:
        return True
    if not viewer.signed_in or viewer.role not in ROLES:
        return False
    if viewer.role == "admin":
        return True  # who may withdraw a layer must be able to see it
    if not viewer.partner or region.partner(viewer.partner) is None:
        return False
    if audience == Audience.PARTNERS:
        return True
    return audience == Audience.OWNER and viewer.own and viewer.partner == partner


def may_change(partner: str, viewer: Viewer) -> bool:
    """Whether a viewer may publish, roll back and withdraw the layers that ``partner`` supplies."""
    if not viewer.signed_in:
        return False
    return viewer.role == "admin" or (viewer.role == "analyst" and bool(partner) and viewer.partner == partner)
