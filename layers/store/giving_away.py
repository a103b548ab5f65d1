"""The refusal of what would give small numbers away, in words for whoever may not see all the layers that it takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from layers.methods.disclosure_guard import Leak
from layers.model import Descriptor, Fault, Refused

UNSEEN = "a layer that you may not see"
"""However many there are of them: how many is not for this person either."""


class GivesAway(Refused):
    """From this layer, with what is public already, small numbers would follow.

    ``unseen`` are layers that the person who is told may not see: their names, how many of their numbers it is and where are
    left out, and :attr:`unnamed` has, for each of them, what its owner and an admin are told.
    """

    def __init__(self, descriptor: Descriptor, leaks: Sequence[Leak], title: str = "", unseen: Collection[str] = ()):
        self.descriptor, self.leaks, self.started = descriptor, tuple(leaks), title
        self.unnamed: Mapping[str, tuple[str, ...]] = {
            one: tuple(
                map(str, _faults(descriptor, [leak for leak in leaks if one in (leak.layer, *leak.through)], ()))
            )
            for one in sorted(unseen)
        }
        title = title or f"The layer '{descriptor.id}' was not published"
        super().__init__(f"{title}: it would give small numbers away.", _faults(descriptor, leaks, unseen))

    @property
    def layers(self) -> frozenset[str]:
        """The other layers that it takes."""
        return frozenset(one for leak in self.leaks for one in (leak.layer, *leak.through)) - {self.descriptor.id}

    def without(self, unseen: Collection[str]) -> GivesAway:
        return GivesAway(self.descriptor, self.leaks, self.started, unseen)


def _faults(descriptor: Descriptor, leaks: Sequence[Leak], unseen: Collection[str]) -> list[Fault]:
    def name(layer_id: str) -> str:
        return UNSEEN if layer_id in unseen else f"'{layer_id}'"

    grouped: dict[tuple[str, tuple[str, ...]], list[Leak]] = {}
    for leak in leaks:
        older = {*leak.through, leak.layer} - {descriptor.id} or {descriptor.id}
        grouped.setdefault((name(leak.layer), tuple(sorted(set(map(name, older))))), []).append(leak)
    faults = []
    for (whose, older), some in grouped.items():
        if whose == UNSEEN:  # which areas have small numbers there is just what is hidden
            told = "small numbers of a layer that you may not see could be worked out"
        else:
            sample = ", ".join(dict.fromkeys(one.area for one in some[:5]))
            of = "this layer" if whose == name(descriptor.id) else whose
            told = f"{len(some):,} small numbers of {of} could be worked out: {sample}"
        todo = "withdraw the older one first, or publish figures for fewer areas or periods"
        if UNSEEN in older:
            todo = "ask an admin, who can see which layer it is, or publish figures for fewer areas or periods"
        if not descriptor.counts_people:
            todo = "say that the numbers count people, so that more of them can be withheld, or " + todo
        what = f"with what is public already ({', '.join(older)}), {told}"
        faults.append(Fault(what, f"layer '{descriptor.id}'", todo, rule="disclosure"))
    return faults
