"""Why somebody can, or cannot, see a layer or a briefing: what the deciding functions answer, and what they went by. For admins."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from layers.model import NotFound, Viewer
from layers.store.briefings import BRIEFINGS, BUILT_IN, Briefings
from layers.store.permissions import may_change, may_read
from layers.store.records import NotPermitted, Withdrawn
from layers.store.store import Store
from layers.store.versioned import Standing


@dataclass(frozen=True)
class Reason:
    """``seen``: what the store answers to this person. ``decided_by`` names the rule; ``facts`` are what it went by, in order."""

    seen: bool
    decided_by: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    what: str = "layer"


@dataclass(frozen=True)
class _Thing:
    """``ask(person, version)`` raises what the store raises; ``audience_of(version)`` is that of one version."""

    what: str
    partner: str
    audience: str
    standing: Standing
    ask: Callable[[Viewer, int | None], object]
    audience_of: Callable[[int], str]


def why(store: Store, thing_id: str, person: Viewer, *, asked_by: Viewer, version: int | None = None) -> Reason:
    """Ask the store as ``person``, and say what decided. ``thing_id`` is that of a layer or else of a briefing, of which also
    ``briefing:`` and its id may be said. Raises :class:`NotPermitted` for all but admins."""
    if not (asked_by.signed_in and asked_by.role == "admin"):
        raise NotPermitted("Only admins may ask what somebody else can see.")
    who = f"{person.user}, {person.role} of {person.partner}" if person.signed_in else "somebody who is not signed in"
    facts = [("Person", who)]
    thing = _thing(store, thing_id, asked_by)
    if thing is None:
        return _no_thing(store, thing_id, facts)
    seen, words = _answer(thing, person, version)
    standing, audience = thing.standing, thing.audience
    facts += [
        (f"Partner of the {thing.what}", thing.partner),
        ("Audience that decides now", f"{audience}, of {_version_words(standing)}"),
    ]
    asked = None
    if version is not None:
        with contextlib.suppress(NotFound):
            asked = thing.audience_of(version)
        facts.append(("Audience of the version asked for", asked or "there is no such version"))
        facts.append(("State of the version asked for", standing.state(version) if asked else "none"))
    changes = may_change(thing.partner, person)
    facts.append(("May change it", "yes" if changes else "no"))
    if not may_read(audience, thing.partner, person, store.region):
        rule = "role" if audience == "partners" else "partner"
        rule = rule if person.signed_in else "audience"
        sentence = f"No: its audience is {audience}, and {who} is not of it."
    elif standing.last is None:
        rule, sentence = "waiting", "Nothing of it was shown yet; only those who may change it know of it."
    elif standing.withdrawn and version is None:
        rule, sentence = "withdrawn", f"It was withdrawn: {standing.withdrawn.reason}"
    elif version is not None and not seen:
        may = asked is None or may_read(asked, thing.partner, person, store.region)
        rule, sentence = "version" if may else "audience of the version", f"No: {words}"
    else:
        rule, sentence = "audience", f"Yes: its audience is {audience}, and {who} is of it."
    return Reason(seen, rule, sentence, tuple(facts), thing.what)


def _thing(store: Store, thing_id: str, asked_by: Viewer) -> _Thing | None:
    guard, standing = store.guard_of(thing_id)
    if guard is not None:

        def layer(person: Viewer, version: int | None):
            return store.layer(thing_id, person, version=version)

        return _Thing(
            "layer", guard.partner, str(guard.audience), standing, layer,
            lambda version: str(layer(asked_by, version).descriptor.audience),
        )  # fmt: skip
    briefings, briefing_id = Briefings(store), thing_id.removeprefix(BRIEFINGS.of)
    with store.reading() as connection:
        found = briefings.find(connection, briefing_id, store.now())
    if found is None:
        return None

    def briefing(person: Viewer, version: int | None):
        return briefings.get(briefing_id, person, version)

    return _Thing(
        "briefing", found.partner, str(found.row.audience), found.standing, briefing,
        lambda version: str(briefing(asked_by, version).audience),
    )  # fmt: skip


def _no_thing(store: Store, thing_id: str, facts: list[tuple[str, str]]) -> Reason:
    wanted = thing_id.removeprefix(BRIEFINGS.of)
    wards = {f"ward-{code}" for code in store.region.codes("ward")}
    if wanted in {*BUILT_IN, *(f"gaps-{theme.id}" for theme in store.region.themes)} | wards:
        sentence = "Yes: it is a briefing that every region has, of what this person may see."
        return Reason(True, "built in", sentence, tuple(facts), "briefing")
    sentence = f"There is no layer '{thing_id}', for nobody."
    if thing_id.startswith(BRIEFINGS.of):
        sentence = f"There is no briefing '{wanted}', for nobody."
    return Reason(False, "absent", sentence, tuple(facts), "briefing" if thing_id.startswith(BRIEFINGS.of) else "layer")


def _answer(thing: _Thing, person: Viewer, version: int | None) -> tuple[bool, str]:
    try:
        thing.ask(person, version)
    except (NotFound, Withdrawn) as error:
        return False, str(error)
    return True, ""


def _version_words(standing) -> str:
    if standing.current is not None:
        return f"version {standing.current}, which is shown"
    return f"version {standing.last}, which was shown last" if standing.last is not None else "the newest version"
