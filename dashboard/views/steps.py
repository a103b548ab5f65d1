"""The five views of one question - need, access, gap, shared, next site - and what each of them has to show.

A step is a row of :data:`STEPS`: it sets ``show`` and ``shared`` of the selection, so a step is an address like any other. The
browser's one writer (``assets/selection.js``) takes the step's name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.selection import NONE, Selection
from dashboard.views import spoken
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.scene import Scene
from dashboard.views.together import Together
from dashboard.views.wording import counted


@dataclass(frozen=True)
class StepRow:
    """``show`` and ``shared`` are what the step makes of the selection; None for the step that leads to another page."""

    id: str
    title: str
    show: str | None
    shared: bool = False


STEPS = (
    StepRow("need", "Need", "need"),
    StepRow("access", "Access", "access"),
    StepRow("gap", "Gap", "gap"),
    StepRow("shared", "Shared", "gap", shared=True),
    StepRow("next", "Next site", None),
)


@dataclass(frozen=True)
class Step:
    """One step of a selection. ``why_not`` says why it cannot be taken; "" where it can."""

    id: str
    title: str
    link: str
    count: str
    current: bool
    why_not: str = ""
    show: str = ""  # what it makes of the selection; "" where it leads to another page
    shared: bool = False


def step_of(selection: Selection) -> str:
    """Which step a selection is at."""
    return "shared" if selection.show == "gap" and selection.shared else selection.show


def steps_of(
    selection: Selection, shown: Scene, together: Together | NoAnswer | None = None, unfit: str = ""
) -> tuple[Step, ...]:
    """All steps in their order, each with its address and, where the answer knows it, how much it shows. ``unfit`` says why what
    is asked for must not be used for gaps."""
    current, counts = step_of(selection), _counts(shown, together)
    here = replace(selection, area="", at=None)
    out = []
    for row in STEPS:
        needs_services = row.id != "need"
        options = f"/options?{here.query_string()}"
        link = options if row.show is None else here.link(show=row.show, shared=row.shared)
        why = (why_not(selection) or unfit) if needs_services else ""
        out.append(
            Step(row.id, row.title, link, counts.get(row.id, ""), row.id == current, why, row.show or "", row.shared)
        )
    return tuple(out)


def why_not(selection: Selection) -> str:
    """Why a selection has no access, gap, shared or next site; "" where it has."""
    if not selection.services:
        return "Choose services first: access and gaps are measured to them."
    if selection.need in ("", NONE):
        return "Choose a need first: a gap is where need is high and services are far."
    return ""


def _counts(shown: Scene, together: Together | NoAnswer | None) -> dict[str, str]:
    if not isinstance(shown, Gaps):
        return {}
    s = shown.summary
    found = {
        "need": counted(s["high_need_areas"], "area"),
        "access": counted(s["poor_access_areas"], "area"),
        "gap": counted(s["underserved_areas"], "area"),
    }
    # a step has no room to say that people are counted in a sample
    if isinstance(together, Together) and together.claims.counts and not together.claims.sample:
        found["shared"] = f"{spoken.people(together.summary['residents_nearer_elsewhere'])} people"
    return found
