"""Why somebody can, or cannot, see a layer: the answer of the functions that decide, and what each of them went by. For admins."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from layers.model import NotFound, Viewer
from layers.store.permissions import may_change, may_see
from layers.store.records import NotPermitted, Withdrawn
from layers.store.store import Store


@dataclass(frozen=True)
class Reason:
    """``seen``: what :meth:`Store.layer` answers. ``decided_by`` names the rule; ``facts`` are what it went by, in order."""

    seen: bool
    decided_by: str
    sentence: str
    facts: tuple[tuple[str, str], ...]


def why(store: Store, layer_id: str, person: Viewer, *, asked_by: Viewer, version: int | None = None) -> Reason:
    """Ask the store as ``person``, and say what decided. Raises :class:`NotPermitted` for all but admins."""
    if not (asked_by.signed_in and asked_by.role == "admin"):
        raise NotPermitted("Only admins may ask what somebody else can see.")
    guard, standing = store.guard_of(layer_id)
    seen, words = _answer(store, layer_id, person, version)
    who = f"{person.user}, {person.role} of {person.partner}" if person.signed_in else "somebody who is not signed in"
    facts = [("Person", who)]
    if guard is None:
        return Reason(False, "absent", f"There is no layer '{layer_id}', for nobody.", tuple(facts))
    facts += [
        ("Partner of the layer", guard.partner),
        ("Audience that decides now", f"{guard.audience}, of {_version_words(standing)}"),
    ]
    asked = None
    if version is not None:
        with contextlib.suppress(NotFound):
            asked = store.layer(layer_id, asked_by, version=version).descriptor
        facts.append(
            ("Audience of the version asked for", str(asked.audience) if asked else "there is no such version")
        )
        facts.append(("State of the version asked for", standing.state(version) if asked else "none"))
    changes = may_change(guard.partner, person)
    facts.append(("May change it", "yes" if changes else "no"))
    if not may_see(guard, person, store.region):
        rule = (
            "role"
            if person.signed_in and guard.audience == "partners"
            else "partner"
            if person.signed_in
            else "audience"
        )
        sentence = f"No: its audience is {guard.audience}, and {who} is not of it."
    elif standing.last is None:
        rule, sentence = "waiting", "Nothing of it was shown yet; only those who may change it know of it."
    elif standing.withdrawn and version is None:
        rule, sentence = "withdrawn", f"It was withdrawn: {standing.withdrawn.reason}"
    elif version is not None and not seen:
        rule = "version" if asked is None or may_see(asked, person, store.region) else "audience of the version"
        sentence = f"No: {words}"
    else:
        rule = "audience"
        sentence = f"Yes: its audience is {guard.audience}, and {who} is of it."
    return Reason(seen, rule, sentence, tuple(facts))


def _answer(store: Store, layer_id: str, person: Viewer, version: int | None) -> tuple[bool, str]:
    try:
        store.layer(layer_id, person, version=version)
    except (NotFound, Withdrawn) as error:
        return False, str(error)
    return True, ""


def _version_words(standing) -> str:
    if standing.current is not None:
        return f"version {standing.current}, which is shown"
    return f"version {standing.last}, which was shown last" if standing.last is not None else "the newest version"
