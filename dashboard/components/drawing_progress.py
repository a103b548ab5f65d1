"""How far the draws behind "how sure" are, while the rest of the answer is shown already; or how far all of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from dashboard import ids
from dashboard.jobs import Job, how_far, without_waiting
from dashboard.published import Published
from dashboard.selection import Selection
from dashboard.views.gaps import Gaps, NoAnswer
from dashboard.views.measuring import WHAT as MEASURING
from dashboard.views.scene import scene
from layers import NotFound, Viewer

WHAT = "How sure each gap is"
ENDED = f"{WHAT} was not worked out."
WHATS = {"draws": WHAT, "access": MEASURING}
"""The jobs that a page waits for, in words."""
ASK_AGAIN = "Change the question, or load the page again, to ask anew."


@dataclass(frozen=True)
class Progress:
    """``drawn``: the job when there is something new to show, else ""."""

    words: str = ""
    share: float | None = None
    over: bool = True
    drawn: str = ""


def block(job: Job | None, crowded: str = "") -> html.Div:
    """Its part of the page, hidden while nothing is worked out. ``crowded``: why it is not."""
    words = how_far(job, WHATS[job.kind]) if job else f"{ENDED} {crowded}" if crowded else ""
    return html.Div(
        [
            dcc.Store(id=ids.DRAWING_JOB, data=as_data(job, crowded)),
            dcc.Store(id=ids.DRAWN, data=""),
            dcc.Interval(id=ids.DRAWING_TICK, interval=1_000, disabled=job is None),
            html.P(words, id=ids.DRAWING_WORDS, className="plan-progress", role="status"),
            html.Progress(max="100", id=ids.DRAWING_BAR, **{"aria-label": "How much is worked out"}),
            html.Button("Stop", id=ids.DRAWING_STOP, type="button", className="button-quiet", hidden=job is None),
        ],
        id=ids.DRAWING,
        className="plan-state drawing",
        hidden=not words,
    )


def as_data(job: Job | None, crowded: str = "") -> dict[str, str] | None:
    """What the page remembers of it."""
    return {"id": job.id} if job else {"crowded": crowded} if crowded else None


def of_selection(published: Published, selection: Selection, viewer: Viewer) -> dict[str, str] | None:
    """What the page waits for with this selection; it looks again in a second, so nobody waits here."""
    if selection.show == "need":
        return None
    with without_waiting():
        shown = scene(published, selection, viewer)
    if isinstance(shown, NoAnswer):
        return as_data(shown.waiting)
    return as_data(shown.waiting, shown.crowded) if isinstance(shown, Gaps) else None


def step(published: Published, data: Any, viewer: Viewer, *, stop: bool = False) -> Progress:
    """After one look at the job that the page waits for."""
    data = data if isinstance(data, dict) else {}
    job_id = str(data.get("id") or "")
    if not job_id:
        return Progress(f"{ENDED} {data['crowded'][:200]}" if isinstance(data.get("crowded"), str) else "")
    jobs = published.jobs
    try:
        job = jobs.status(job_id)
        if job.kind not in WHATS:
            raise NotFound("There is no such job.")
        for layer_id in job.parameters["layers"]:
            published.store.layer(layer_id, viewer)
        if stop:
            jobs.cancel(job_id)
            return Progress(f"{_ended(job.kind)} {ASK_AGAIN}")
    except NotFound:
        return Progress(f"{ENDED} {ASK_AGAIN}")
    if job.state == "done":
        return Progress(drawn=job.id)
    if job.over:
        return Progress(" ".join([_ended(job.kind), *job.reasons, ASK_AGAIN]))
    return Progress(how_far(job, WHATS[job.kind]), job.progress, over=False)


def _ended(kind: str) -> str:
    return f"{WHATS[kind]} has ended." if kind != "draws" else ENDED
