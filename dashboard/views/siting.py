"""Where the next site helps most: the greedy answer at once, the proven one from a background job, and the plan in words.

A job is named by a hash of what it depends on: request, layers and versions. Its state lives in one small file in the
server's home, so that any of several workers can answer for it, cancel it or find the result; a plan is the same whoever
works it out. A job whose worker has died counts as lost after a while and may be started again by anybody.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from dashboard.published import Published
from dashboard.question import FIELDS
from dashboard.selection import Selection
from dashboard.views import gap_words, wording
from dashboard.views.gap_words import one_of
from dashboard.views.gaps import Gaps, gaps_for, kept, read_layers, read_services, request_of
from dashboard.views.wording import cost_words, counted, percent
from layers import (
    Cancelled,
    Change,
    Fault,
    NotFound,
    Outcome,
    Refused,
    SitingRequest,
    SitingResult,
    Viewer,
    compare_options,
    find_sites,
    to_degrees,
)

MOST_NEW = FIELDS["new"].most
"""New sites in one plan: beyond that a proof takes longer than anybody waits."""
TIME_LIMIT_S = 20.0
MOST_WAITING = 12
WORKERS = 1
"""A solver uses a core each; the other cores answer everybody else."""
LOST_S = 30.0
"""A job that has not been heard of for this long, beyond its time limit, has lost its worker."""
KEEP_S = 24 * 3600.0
MOST_FILES = 400


# ---- one plan -------------------------------------------------------------------------------------------------------


def siting_request(
    published: Published,
    selection: Selection,
    *,
    new: int = 1,
    objective: str = "mclp",
    demand: str = "underserved",
    exclude: Sequence[str] = (),
    exact: bool = True,
    compare_alone: bool = True,
    time_limit: float = TIME_LIMIT_S,
) -> SitingRequest:
    """A request for new sites beside the gaps of a selection."""
    gaps = replace(request_of(published, selection, robustness=0), alone=False)
    return SitingRequest(gaps, new, objective, demand, tuple(exclude), compare_alone, exact, time_limit)


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan and the gaps that it is for."""

    published: Published
    result: SitingResult
    gaps: Gaps

    @property
    def public(self) -> bool:
        return self.gaps.public

    def document(self) -> dict[str, Any]:
        return plan_document(self)


def plan_sites(
    published: Published,
    request: SitingRequest,
    viewer: Viewer,
    *,
    period: str = "",
    candidates: pd.DataFrame | None = None,
    travel: pd.DataFrame | None = None,
    progress=None,
    cancel=None,
) -> Plan:
    """Work a plan out, here and now. ``request.exact`` False is the greedy answer, in milliseconds. ``candidates`` and
    ``travel`` are tables of the caller's own: nothing of such a plan is kept.

    ``progress(stage, value, bound)`` hears of better answers. Raises NotFound and Refused with the reasons, and Cancelled.
    """
    check(request)
    gaps = gaps_for(published, request.gaps, viewer, period=period, travel=travel, quick=True)
    key = ("plan", request, gaps.key)
    memory, common = kept(published), candidates is None and travel is None
    result = memory.find(key) if common else None
    if result is None:
        services = {layer.id: read_services(published, viewer, layer) for layer in gaps.services}
        result = find_sites(
            request,
            published.region.areas,
            {},  # the need is in the gaps already
            services,
            candidates=candidates,
            gaps=gaps.result,
            no_car_share=(gaps.measures.no_car_share or {}).get(gaps.level),
            progress=progress,
            cancel=cancel,
        )
        if common:
            memory.keep(key, result)
    return Plan(published, result, gaps)


def check(request: SitingRequest) -> None:
    """Refuse what would take too long; the engine refuses what makes no sense."""
    faults = []
    if request.objective != "lscp" and request.new > MOST_NEW:
        what = f"{request.new} new sites were asked for"
        faults.append(Fault(what, "new", f"ask for {MOST_NEW} or fewer at once", rule="new"))
    if faults:
        raise Refused("Sites cannot be suggested.", faults)


# ---- jobs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """How far a job is. ``state``: waiting, running, done, cancelled, refused, failed or lost."""

    id: str
    state: str
    stage: str = ""  # greedy, swaps, bounds, highs
    value: float | None = None  # of the best plan so far, in the objective's unit
    bound: float | None = None  # no plan can be worth more (lscp: fewer sites)
    seconds: float = 0.0
    sentence: str = ""
    document: dict[str, Any] | None = None  # the plan, when it is done; best known plan before that
    reasons: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return self.state not in ("waiting", "running")

    @property
    def gap(self) -> float | None:
        """How far the best so far may be from the best possible, 0-1."""
        if self.value is None or not self.bound:
            return None
        return abs(self.bound - self.value) / max(abs(self.bound), abs(self.value), 1e-9)


class Jobs:
    """Background plans of one server. Files in ``folder``: ``ID.json`` is a job's state, ``ID.stop`` asks to cancel it."""

    def __init__(self, published: Published, folder: Path | None = None, *, workers: int = WORKERS):
        # weakly held by its key in _jobs, so it must not hold the key
        self._folder = folder or published.home / "plans"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="plan")
        self._lock = threading.Lock()
        self._mine: set[str] = set()
        self._tidy()

    def start(self, published: Published, request: SitingRequest, viewer: Viewer, *, period: str = "") -> str:
        """Start a job, or find the one that does the same. Returns its id at once.

        Faults of the request raise here, before anything is queued. Raises Refused when too many plans are waiting.
        """
        request = replace(request, exact=True, time_limit=min(request.time_limit, TIME_LIMIT_S))
        first = plan_sites(published, replace(request, exact=False, compare_alone=False), viewer, period=period)
        job_id = job_id_of(request, first.gaps)
        with self._lock:
            known = self._read(job_id)
            if known is not None and (known.state in ("done", "refused") or not known.over):
                return job_id
            if len(self._mine) >= MOST_WAITING:
                fault = Fault(f"{len(self._mine)} plans are being worked out", "plans", "try again in a minute")
                raise Refused("The planner is busy.", [fault])
            self._tidy()
            self._stop_file(job_id).unlink(missing_ok=True)
            guard = {"layers": [layer.id for layer in first.gaps.layers], "limit": request.time_limit}
            job = Job(
                job_id,
                "waiting",
                "greedy",
                first.result.plan.value,
                None,
                sentence=plan_sentence(first),
                document=plan_document(first),
            )
            self._write(job, guard)
            self._mine.add(job_id)
        self._pool.submit(self._run, published, request, viewer, period, job, guard)
        return job_id

    def status(self, published: Published, job_id: str, viewer: Viewer) -> Job:
        """How far a job is. Raises NotFound for an unknown id and for layers that this viewer may not see."""
        job = self._read(job_id)
        if job is None:
            raise NotFound("There is no such plan.")
        for layer_id in self._stored(job_id).get("layers", ()):
            published.store.layer(layer_id, viewer)
        return job

    def cancel(self, published: Published, job_id: str, viewer: Viewer) -> Job:
        """Ask a job to stop, whichever worker runs it; its best plan so far stays readable."""
        job = self.status(published, job_id, viewer)
        if not job.over:
            self._stop_file(job_id).touch()
        return job

    def wait(self, published: Published, job_id: str, viewer: Viewer, seconds: float = TIME_LIMIT_S) -> Job:
        """The job when it is over, or as it stands after some seconds."""
        end = time.monotonic() + seconds
        while not (job := self.status(published, job_id, viewer)).over and time.monotonic() < end:
            time.sleep(0.02)
        return job

    def close(self) -> None:
        for job_id in list(self._mine):
            self._stop_file(job_id).touch()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, published, request, viewer, period, job: Job, guard: dict) -> None:
        start = time.monotonic()
        stop = self._stop_file(job.id)
        state = {"job": replace(job, state="running")}

        def progress(stage: str, value: float, bound: float) -> None:
            seconds = time.monotonic() - start
            state["job"] = replace(state["job"], stage=stage, value=float(value), bound=float(bound), seconds=seconds)
            self._write(state["job"], guard)

        def stopped() -> bool:
            return stop.exists() or not threading.main_thread().is_alive()  # a server that ends waits for no plan

        try:
            self._write(state["job"], guard)
            plan = plan_sites(published, request, viewer, period=period, progress=progress, cancel=stopped)
            found = plan.result.plan
            done = replace(
                state["job"],
                state="done",
                stage=found.method,
                value=found.value,
                bound=found.bound,
                sentence=plan_sentence(plan),
                document=plan_document(plan),
            )
        except Cancelled:
            done = replace(state["job"], state="cancelled")
        except Refused as refused:
            done = replace(state["job"], state="refused", reasons=tuple(str(fault) for fault in refused.faults))
        except Exception:
            done = replace(state["job"], state="failed", reasons=("The planner stopped because of a mistake of ours.",))
            self._write(replace(done, seconds=time.monotonic() - start), guard)
            raise
        finally:
            with self._lock:
                self._mine.discard(job.id)
            stop.unlink(missing_ok=True)
        self._write(replace(done, seconds=time.monotonic() - start), guard)

    def _file(self, job_id: str) -> Path:
        if not job_id.isalnum() or len(job_id) > 64:
            raise NotFound("There is no such plan.")
        return self._folder / f"{job_id}.json"

    def _stop_file(self, job_id: str) -> Path:
        return self._file(job_id).with_suffix(".stop")

    def _stored(self, job_id: str) -> dict[str, Any]:
        try:
            return json.loads(self._file(job_id).read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def _read(self, job_id: str) -> Job | None:
        stored = self._stored(job_id)
        if not stored:
            return None
        job = Job(**{**stored["job"], "reasons": tuple(stored["job"]["reasons"])})
        silent = time.time() - stored["heard"]
        if not job.over and job_id not in self._mine and silent > stored["limit"] + LOST_S:
            return replace(job, state="lost", reasons=("The server was restarted while it worked on this.",))
        return job

    def _write(self, job: Job, guard: Mapping[str, Any]) -> None:
        """Whole or not at all: another worker may be reading."""
        file = self._file(job.id)
        part = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        text = json.dumps({"job": asdict(job), "heard": time.time(), **guard}, ensure_ascii=False)
        part.write_text(text, "utf-8")
        part.replace(file)

    def _tidy(self) -> None:
        """Remove what is old, and the oldest of what is too many."""
        files = []
        for file in self._folder.iterdir():
            try:
                files.append((file.stat().st_mtime, file))
            except OSError:
                continue  # another worker was quicker
        files.sort(reverse=True)
        for number, (written, file) in enumerate(files):
            if number >= MOST_FILES or time.time() - written > KEEP_S:
                file.unlink(missing_ok=True)


_jobs: WeakKeyDictionary[Published, Jobs] = WeakKeyDictionary()
_jobs_lock = threading.Lock()


def jobs(published: Published) -> Jobs:
    """The jobs of this server."""
    live = published.live
    with _jobs_lock:
        if live not in _jobs:
            _jobs[live] = Jobs(live)
        return _jobs[live]


def start(published: Published, request: SitingRequest, viewer: Viewer, *, period: str = "") -> str:
    """Start working a plan out to the proven optimum; returns the job's id at once."""
    return jobs(published).start(published, request, viewer, period=period)


def status(published: Published, job_id: str, viewer: Viewer) -> Job:
    """How far a job is, with its best plan so far; the proven one when it is done."""
    return jobs(published).status(published, job_id, viewer)


def cancel(published: Published, job_id: str, viewer: Viewer) -> Job:
    return jobs(published).cancel(published, job_id, viewer)


def job_id_of(request: SitingRequest, gaps: Gaps) -> str:
    """The same request on the same versions of the same layers has the same id, in every worker."""
    words = json.dumps([asdict(request), *gaps.key[2:]], default=str, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:32]


# ---- words ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SiteCard:
    """One proposed site."""

    rank: int
    code: str
    name: str
    authority: str
    longitude: float
    latitude: float
    residents_gained: float
    gains: str  # "12,400 residents: 8,000 in Gateshead and 4,400 in Sunderland"
    overlap: str  # how much it repeats what exists


@dataclass(frozen=True)
class GainRow:
    """Who gains, by authority or by fifth of need. ``newly_within`` is None without a distance."""

    name: str
    residents: float
    newly_within: float | None
    nearer: float
    mean_before: float | None
    mean_after: float | None
    words: str


def site_cards(plan: Plan) -> tuple[SiteCard, ...]:
    found, published = plan.result.plan, plan.published
    names = gap_words.authority_names(published)
    longitude, latitude = to_degrees([s.easting for s in found.sites], [s.northing for s in found.sites])
    who = "" if plan.result.request.demand == "all" else " of underserved areas"
    cards = []
    for rank, site in enumerate(found.sites):
        gained = sorted(site.gained_by_lad.items(), key=lambda item: (-item[1], item[0]))
        spread = wording.listing([f"{n:,.0f} in {names.get(lad, lad)}" for lad, n in gained], 4)
        verb = "nearest to" if found.max_m is None else "newly within reach of"
        gains = f"{counted(site.residents_gained, 'resident')}{who} {verb} it" + (
            f": {spread}." if len(gained) > 1 else "."
        )
        overlap = "There is no other service."
        if site.nearest_existing_m is not None:
            overlap = (
                f"{cost_words(site.nearest_existing_m, 'm')} from the nearest existing {one_of(plan.gaps.services)}."
            )
            if site.residents_within:
                share = site.already_within / site.residents_within
                overlap += f" {percent(share)} of the {counted(site.residents_within, 'resident')} in its reach already have one."
        cards.append(
            SiteCard(
                rank + 1,
                site.code,
                site.name,
                names.get(site.lad_code, site.lad_code),
                float(longitude[rank]),
                float(latitude[rank]),
                site.residents_gained,
                gains,
                overlap,
            )
        )
    return tuple(cards)


def gains_by_authority(plan: Plan) -> tuple[GainRow, ...]:
    names = gap_words.authority_names(plan.published)
    found = plan.result.plan
    return _gain_rows(found.by_authority, found.unit, lambda code: names.get(code, code))


FIFTHS = {
    0: "Need not known",
    1: "Least need (first fifth)",
    2: "Second fifth",
    3: "Third fifth",
    4: "Fourth fifth",
    5: "Most need (last fifth)",
}


def gains_by_fifth(plan: Plan) -> tuple[GainRow, ...]:
    """Who gains by fifth of need, most need first."""
    found = plan.result.plan
    return _gain_rows(found.by_fifth, found.unit, lambda fifth: FIFTHS[int(fifth)])[::-1]


def _gain_rows(table: pd.DataFrame, unit: str, name: Callable[[Any], str]) -> tuple[GainRow, ...]:
    rows = []
    for row in table.to_dict("records"):
        within = None if pd.isna(row["newly_within"]) else float(row["newly_within"])
        before, after = (None if pd.isna(row[c]) else float(row[c]) for c in ("mean_before", "mean_after"))
        words = f"{row['nearer']:,.0f} of {counted(row['residents'], 'resident')} would be nearer to one"
        if row["nearer"] <= 0:
            words = f"nothing changes for its {counted(row['residents'], 'resident')}"
        elif within is not None:
            words += f", {within:,.0f} newly within reach"
        if before is not None and after is not None and before - after >= 5:
            words += f"; the mean goes from {cost_words(before, unit)} to {cost_words(after, unit)}"
        rows.append(
            GainRow(
                name(row["group"]),
                float(row["residents"]),
                within,
                float(row["nearer"]),
                before,
                after,
                f"{words[:1].upper()}{words[1:]}.",
            )
        )
    return tuple(rows)


def plan_sentence(plan: Plan) -> str:
    """What the plan brings, how good it is, and what planning together adds."""
    return gap_words.plan_sentence(plan.result.request, plan.result.gaps, plan.result.plan)


def plan_notes(plan: Plan) -> list[str]:
    """What the reader of the plan should know besides."""
    return [gap_words.note_words(note, plan.published) for note in plan.result.plan.notes]


def alone_sentence(plan: Plan) -> str:
    """Planned together against each authority inside its own border; "" where that was not compared."""
    alone, found = plan.result.plan.alone, plan.result.plan
    if alone is None:
        return ""
    names = gap_words.authority_names(plan.published)
    split = wording.listing([f"{n} in {names.get(lad, lad)}" for lad, n in sorted(alone.split.items()) if n], 8)
    if found.objective == "lscp":
        if not alone.sites_saved:
            return "Each authority planning inside its own border would need no more sites."
        return (
            f"Each authority planning inside its own border would need {counted(len(alone.sites), 'site')} ({split}); together "
            f"{found.new} {'is' if found.new == 1 else 'are'} enough: {alone.sites_saved} fewer."
        )
    if alone.saving < 0.5:
        return "Each authority planning inside its own border would do as well with these numbers."
    same = "the one site" if found.new == 1 else f"the same {found.new} sites"
    reach, gain = ("reaches", "saves") if found.new == 1 else ("reach", "save")
    if found.objective == "mclp":
        text = (
            f"Planned together, {counted(found.value, 'resident gains', 'residents gain')}; {same} planned by each authority "
            f"inside its own border ({split}) {reach} {alone.value:,.0f}: {alone.saving:,.0f} fewer."
        )
    else:
        share = alone.saving / found.value if found.value else 0.0
        text = (
            f"{same[0].upper()}{same[1:]} planned inside the borders ({split}) {gain} {percent(share)} less distance."
        )
    if alone.sites_saved:
        text += f" Together, {counted(alone.sites_needed_together, 'site does', 'sites do')} what {len(alone.sites)} do apart."
    return text


def plan_document(plan: Plan) -> dict[str, Any]:
    """The JSON of ``/api/v1/sites`` and ``commonground site --json``."""
    document = plan.result.to_json()
    document["parameters"] = gap_words.parameters_in_words(plan.gaps, document["parameters"])
    for site, card in zip(document["sites"], site_cards(plan), strict=True):
        site |= {"longitude": card.longitude, "latitude": card.latitude, "authority": card.authority}
    names = gap_words.authority_names(plan.published)
    for row in document["by_authority"]:
        row["name"] = names.get(row["group"], row["group"])
    for row in document["by_fifth"]:
        row["name"] = FIFTHS[int(row["group"])]
    document |= {"notes": plan_notes(plan), "sentence": plan_sentence(plan), "alone_sentence": alone_sentence(plan)}
    document["region"] = plan.published.region.id
    document["notice"] = plan.published.region.notice
    return document


# ---- options tried by hand ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OptionCard:
    """One named option beside the services as they are. Residents in whole numbers; nothing is saved anywhere."""

    name: str
    services: int
    residents_underserved: float
    relieved: float
    newly_underserved: float
    mean_cost: float | None
    by_authority: tuple[GainRow, ...]
    by_fifth: tuple[GainRow, ...]
    overlap: tuple[dict, ...]
    sentence: str
    outcome: Outcome


def compare(gaps: Gaps, viewer: Viewer, options: Mapping[str, Sequence[Change]]) -> tuple[OptionCard, ...]:
    """Options of opened, closed, moved and resized sites, each measured against the services as they are.

    Places are EPSG:27700 metres. Raises Refused with every change that cannot be made, and for a travel-time table: it has
    no times to a site that does not exist.
    """
    request, published = gaps.request, gaps.published
    if gaps.result.model.travel is not None:
        fault = Fault("a travel-time table has no times to new places", "travel", "use distance", rule="travel-options")
        raise Refused("Options cannot be tried with these travel times.", [fault])
    more = {name: each.get(gaps.level) for name, each in (("demand", gaps.measures.demand),) if each}
    if request.fair:
        more["no_car_share"] = gaps.measures.no_car_share[gaps.level]
    _, services = read_layers(published, viewer, (), request.services)
    tables = [read_services(published, viewer, layer).table for layer in services.values()]
    outcomes = compare_options(
        published.region.areas[gaps.level],
        pd.concat(tables, ignore_index=True),
        gaps.result.need.score,
        options,
        metric=request.metric,
        max_m=gaps.result.access.limit,
        threshold=request.need_threshold,
        detour=request.detour,
        alone=request.alone,
        walking_kmh=request.walking_kmh,
        driving_kmh=request.driving_kmh,
        **more,
    )
    return tuple(_option_card(gaps, outcome) for outcome in outcomes.values())


def _option_card(gaps: Gaps, outcome: Outcome) -> OptionCard:
    names = gap_words.authority_names(gaps.published)
    unit = gaps.result.model.unit
    parts = []
    if outcome.residents_relieved:
        parts.append(f"{counted(outcome.residents_relieved, 'resident')} would no longer be underserved")
    if outcome.residents_newly_underserved:
        parts.append(f"{outcome.residents_newly_underserved:,.0f} would become underserved")
    sentence = f"{wording.listing(parts)}." if parts else "Nobody's area would change between underserved and not."
    return OptionCard(
        outcome.name,
        outcome.services,
        outcome.residents_underserved,
        outcome.residents_relieved,
        outcome.residents_newly_underserved,
        outcome.mean_cost,
        _gain_rows(outcome.by_authority, unit, lambda code: names.get(code, code)),
        _gain_rows(outcome.by_fifth, unit, lambda fifth: FIFTHS[int(fifth)])[::-1],
        outcome.overlap,
        sentence,
        outcome,
    )
