"""Stability calculated twice: once by the project, once here in plain loops that share nothing with it.

With the same random numbers the two agree exactly, area by area; with numbers of their own they agree as far as chance allows. So
an error of reading the definition, of ranking, of rebuilding wards or of counting residents would show. The real North East is in
tests/dashboard/views/test_real_stability.py.
"""

import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import eye_array

from layers.methods.access_means import members_of
from layers.methods.gap_request import GapRequest, IndicatorLayer, ServiceLayer
from layers.methods.gaps import find_gaps
from layers.methods.need import Indicator
from layers.methods.sampling import DrawnIndicator, sample_counts
from layers.methods.stability import Stability
from layers.model import AccessStandard, Completeness, Descriptor, Direction, Kind, Measure

# ---- a made-up region of 36 small areas, 9 wards, 2 authorities ---------------------------------------------------------------

N, WARDS = 36, 9


def region():
    rng = random.Random(5)
    rows = [
        {
            "code": f"S{i:02d}", "name": f"Small {i}", "ward_code": f"W{i // 4}", "lad_code": f"L{i // 20}",
            "population": float(rng.randrange(400, 2_000)), "centroid_x": rng.uniform(0, 9_000),
            "centroid_y": rng.uniform(0, 9_000),
        }
        for i in range(N)
    ]  # fmt: skip
    rows[7]["population"] = 0.0  # nobody lives there
    small = pd.DataFrame(rows)

    def larger(column, names):
        total = small.groupby(column)["population"].sum()
        frame = pd.DataFrame({"code": total.index, "name": names, "population": total.to_numpy()})
        lads = small.groupby(column)["lad_code"].first().to_numpy()
        return frame.assign(ward_code=frame["code"], lad_code=lads, centroid_x=0.0, centroid_y=0.0)

    return {"lsoa": small, "ward": larger("ward_code", "Ward"), "lad": larger("lad_code", "Authority")}


AREAS = region()
MEMBERS = {
    level: [[i for i in range(N) if AREAS["lsoa"].at[i, f"{level}_code"] == code] for code in AREAS[level]["code"]]
    for level in ("ward", "lad")
} | {"lsoa": [[i] for i in range(N)]}
PEOPLE = AREAS["lsoa"]["population"].tolist()


def layers_of():
    """A percentage (a zero, a full one, one withheld), a rate in clusters (zeros), a score with its error, one without."""
    rng = random.Random(8)
    size = [31 + i for i in range(N)]
    share = [rng.randrange(1, n) * 0.4 // 1 for n in size]
    share[2], share[3] = 0.0, float(size[3])
    rate = [float(rng.randrange(0, 9)) for _ in range(N)]
    score = [rng.gauss(0, 1) for _ in range(N)]
    other = [rng.gauss(0, 1) for _ in range(N)]
    out = {}

    def add(name, measure, per, value, top=None, under=None, **more):
        frames = {}
        for level, members in MEMBERS.items():
            rows = []
            for mine in members:
                known = [i for i in mine if value[i] is not None]
                if top is None:
                    weights = [PEOPLE[i] for i in known]
                    whole = sum(weights)
                    got = (
                        sum(w * value[i] for w, i in zip(weights, known, strict=True)) / whole
                        if whole
                        else value[mine[0]]
                    )
                    rows.append((got, math.nan, math.nan))
                else:
                    x, n = sum(top[i] for i in known), sum(under[i] for i in known)
                    rows.append((per * x / n, float(x), float(n)) if n else (math.nan,) * 3)
            frame = pd.DataFrame(rows, columns=["value", "numerator", "denominator"])
            frames[level] = frame.assign(status=np.where(frame["value"].notna(), "ok", "missing"))
        descriptor = Descriptor(
            name, name, Kind.INDICATOR, ("t",), "p", measure=measure, per=per, direction=Direction.HIGH_IS_WORSE,
            level="lsoa", **more,
        )  # fmt: skip
        out[name] = IndicatorLayer(descriptor, frames)

    values = [100 * x / n for x, n in zip(share, size, strict=True)]
    values[11] = None  # withheld: wards leave it out
    add("share", Measure.PERCENTAGE, 100, values, share, size)
    people = [n * 7 + 13 for n in size]
    add(
        "rate",
        Measure.RATE,
        1_000,
        [1_000 * x / n for x, n in zip(rate, people, strict=True)],
        rate,
        people,
        dispersion=3.0,
    )
    add(
        "plain",
        Measure.RATE,
        1_000,
        [1_000 * x / n for x, n in zip(rate[::-1], people, strict=True)],
        rate[::-1],
        people,
    )
    add("score", Measure.SCORE, 1, score, error_sd=0.4)
    add("other", Measure.SCORE, 1, other)
    return out, {"share": (values, share, size), "rate": (None, rate, people), "plain": (None, rate[::-1], people),
                 "score": (score, None, None), "other": (other, None, None)}  # fmt: skip


LAYERS, FIGURES = layers_of()
SITES = pd.DataFrame(
    {
        "service_id": ["A", "B", "C", "D"],
        "name": "",
        "easting": [1_000.0, 5_000.0, 8_000.0, 2_500.0],
        "northing": [2_000.0, 6_500.0, 1_000.0, 7_500.0],
        "lad_code": ["L0", "L1", "L1", "L0"],
        "capacity": [1.0, 3.0, 2.0, 1.0],
    }
)
STANDARD = 2_400.0
NEED = {"share": 2.0, "rate": 1.0, "plain": 0.5, "score": 1.0, "other": 0.25}


def ask(
    level="lsoa", metric="nearest", need=NEED, draws=150, standard=STANDARD, complete=Completeness.REGISTER, **more
):
    services = Descriptor(
        "sites", "Sites", Kind.SERVICES, ("t",), "p", completeness=complete,
        access_standard=None if standard is None else AccessStandard("nearest", standard),
    )  # fmt: skip
    request = GapRequest(tuple(need.items()), ("sites",), level=level, metric=metric, robustness=draws, **more)
    return find_gaps(
        request, AREAS, LAYERS, {"sites": ServiceLayer(services, SITES)}, compare_wards=False,
        adjacency=eye_array(len(AREAS[level])).tocsr(),
    )  # fmt: skip


# ---- random numbers ---------------------------------------------------------------------------------------------------------


class TheirNumbers:
    """The numbers that the project draws, in its order: settings first, then fifty draws at a time, indicator by indicator."""

    def __init__(self, names, draws, seed):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
        self.weights = rng.uniform(0.5, 1.5, size=(draws, len(names)))
        self.threshold, self.limit = rng.uniform(75, 85, size=draws), rng.uniform(0.75, 1.25, size=draws)
        self.detour = rng.uniform(0.85, 1.15, size=draws)
        self.drawn = {name: [] for name in names}
        streams = np.random.SeedSequence(seed, spawn_key=(1,)).spawn(-(-draws // 50))
        for number, stream in enumerate(streams):
            many, rng = min(50, draws - 50 * number), np.random.default_rng(stream)
            for name in names:
                self.drawn[name] += self.chunk(name, many, rng)

    @staticmethod
    def chunk(name, many, rng):
        value, count, size = FIGURES[name]
        known = [i for i in range(N) if value is None or value[i] is not None]
        if name == "other":
            return [list(value)] * many
        out = np.zeros((N, many))
        if name == "score":
            z = rng.standard_normal((many, N), dtype=np.float32)
            return [[value[i] + 0.4 * float(z[d, i]) for i in range(N)] for d in range(many)]
        edge = [i for i in known if count[i] == 0 or (name == "share" and count[i] == size[i])]
        rest = [i for i in known if i not in edge]
        few = rng.poisson(0.5, size=(len(edge), many))
        for row, i in zip(few, edge, strict=True):
            out[i] = np.minimum(row, size[i]) if name == "share" else row
            if count[i]:
                out[i] = size[i] - out[i]
        x = np.array([count[i] for i in rest])[:, None]
        if name == "share":
            n = np.array([size[i] for i in rest])[:, None]
            drawn = rng.binomial(n, x / n, size=(len(rest), many))
        elif name == "rate":
            drawn = rng.negative_binomial(x / 2.0, 1 / 3.0, size=(len(rest), many))
        else:
            drawn = rng.poisson(x, size=(len(rest), many))
        for row, i in zip(drawn, rest, strict=True):
            out[i] = row
        return out.T.tolist()


class OwnNumbers:
    """Python's own generator, and each distribution from its definition."""

    def __init__(self, names, draws, seed):
        self.rng = random.Random(seed)
        each = range(draws)
        self.weights = [[self.rng.uniform(0.5, 1.5) for _ in names] for _ in each]
        self.threshold = [self.rng.uniform(75, 85) for _ in each]
        self.limit, self.detour = ([self.rng.uniform(*ends) for _ in each] for ends in ((0.75, 1.25), (0.85, 1.15)))
        self.drawn = {name: [[self.one(name, i) for i in range(N)] for _ in each] for name in names}

    def poisson(self, mean):
        """Events until unit time is over, each after an exponential wait."""
        events, passed = 0, self.rng.expovariate(1.0)
        while passed < mean:
            events, passed = events + 1, passed + self.rng.expovariate(1.0)
        return events

    def one(self, name, i):
        value, count, size = FIGURES[name]
        if value is not None and value[i] is None:
            return 0.0
        if name == "other":
            return value[i]
        if name == "score":
            return self.rng.gauss(value[i], 0.4)
        if name == "share":
            if count[i] in (0, size[i]):
                few = min(size[i], self.poisson(0.5))
                return few if count[i] == 0 else size[i] - few
            return sum(self.rng.random() < count[i] / size[i] for _ in range(int(size[i])))
        if count[i] == 0:
            return self.poisson(0.5)
        if name == "rate":  # counts whose mean varies: mean x, variance 3 x
            return self.poisson(self.rng.gammavariate(count[i] / 2.0, 2.0))
        return self.poisson(count[i])


# ---- the second calculation -----------------------------------------------------------------------------------------------------


def places(values):
    """100 (average rank - 0.5) / n of those that are known."""
    known = [v for v in values if v is not None]
    return [
        None
        if v is None
        else 100 * (sum(o < v for o in known) + (sum(o == v for o in known) + 1) / 2 - 0.5) / len(known)
        for v in values
    ]


def figure(name, drawn, mine):
    """The value of an area made of the small areas ``mine``."""
    value, count, size = FIGURES[name]
    known = [i for i in mine if value is None or value[i] is not None]
    if not known:
        return None
    if count is not None:
        return sum(drawn[i] for i in known) / sum(size[i] for i in known)
    people = sum(PEOPLE[i] for i in known)
    return sum(PEOPLE[i] * drawn[i] for i in known) / people if people else drawn[known[0]]


def away(i):
    x, y = AREAS["lsoa"].at[i, "centroid_x"], AREAS["lsoa"].at[i, "centroid_y"]
    return [math.hypot(x - s.easting, y - s.northing) for s in SITES.itertuples()]


AWAY = [away(i) for i in range(N)]


def mean(values, mine):
    people = sum(PEOPLE[i] for i in mine)
    return sum(PEOPLE[i] * values[i] for i in mine) / people if people else sum(values[i] for i in mine) / len(mine)


def worst_fifth(values):
    cut = sorted(values)[math.ceil(len(values) / 5) - 1]
    return [v <= cut + 1e-12 for v in values]


def poorly(metric, members, limit, detour):
    nearest = [detour * min(row) for row in AWAY]
    if metric == "nearest":
        return [mean(nearest, mine) > limit for mine in members]
    if metric == "coverage":
        beyond = [float(cost > limit) for cost in nearest]
        return [mean(beyond, mine) > 0.5 for mine in members]
    floor = math.exp(-0.5)
    weight = [
        [(math.exp(-0.5 * (detour * d / limit) ** 2) - floor) / (1 - floor) if detour * d < limit else 0.0 for d in row]
        for row in AWAY
    ]
    supply = SITES["capacity"].tolist()
    reached = [sum(PEOPLE[i] * weight[i][s] for i in range(N)) for s in range(len(supply))]
    flow = [sum(w * supply[s] / reached[s] for s, w in enumerate(row) if reached[s] > 0) for row in weight]
    return worst_fifth([mean(flow, mine) for mine in members])


def by_hand(numbers, level, metric, draws, listed=None, detour=1.0, standard=STANDARD):
    """Share of the draws in which each area is underserved, and the residents underserved in each draw."""
    members, people = MEMBERS[level], AREAS[level]["population"].tolist()
    names, hits, totals = list(numbers.drawn), [0] * len(MEMBERS[level]), []
    for d in range(draws):
        weights = [NEED[name] * factor for name, factor in zip(names, numbers.weights[d], strict=True)]
        columns = [places([figure(name, numbers.drawn[name][d], mine) for mine in members]) for name in names]
        composite = []
        for row in zip(*columns, strict=True):
            known = [(w, p) for w, p in zip(weights, row, strict=True) if p is not None]
            whole = sum(w for w, _ in known)
            composite.append(sum(w * p for w, p in known) / whole if whole >= 0.5 * sum(weights) else None)
        poor = poorly(metric, members, standard * numbers.limit[d], detour * numbers.detour[d])
        under = [
            need is not None and need >= numbers.threshold[d] and p
            for need, p in zip(places(composite), poor, strict=True)
        ]
        hits = [h + u for h, u in zip(hits, under, strict=True)]
        totals.append(sum(p for p, u, k in zip(people, under, listed or [True] * len(under), strict=True) if u and k))
    return [h / draws for h in hits], totals


def fifth_and_ninetyfifth(totals):
    """Linear between the order statistics."""
    ordered, out = sorted(totals), []
    for part in (0.05, 0.95):
        at = part * (len(ordered) - 1)
        low = int(at)
        high = min(low + 1, len(ordered) - 1)
        out.append(ordered[low] + (at - low) * (ordered[high] - ordered[low]))
    return out


@pytest.mark.parametrize("metric", ["nearest", "coverage", "e2sfca"])
@pytest.mark.parametrize("level", ["lsoa", "ward", "lad"])
def test_with_the_same_random_numbers_exactly_the_same(level, metric):
    found = ask(level, metric, seed=11, detour=1.1)
    share, totals = by_hand(TheirNumbers(list(NEED), 150, 11), level, metric, 150, detour=1.1)
    assert found.areas["stability"].tolist() == share
    lower, upper = fifth_and_ninetyfifth(totals)
    assert found.summary["underserved_residents_range"] == {
        "lower": pytest.approx(lower),
        "upper": pytest.approx(upper),
    }
    assert found.parameters["seed"] == 11 and found.parameters["robustness"] == 150
    assert level == "lad" or (max(share) > 0 and len(set(share)) > 3)  # not an empty question


@pytest.mark.parametrize("level", ["lsoa", "ward"])
def test_with_numbers_of_its_own_the_same_as_far_as_chance_allows(level):
    draws = 600
    found = ask(level, draws=draws)
    share, totals = by_hand(OwnNumbers(list(NEED), draws, 77), level, "nearest", draws)
    ours = found.areas["stability"].to_numpy()
    both = (ours + np.array(share)) / 2
    error = np.sqrt(2 * np.maximum(both * (1 - both), 1 / draws) / draws)
    assert (np.abs(ours - share) <= 4 * error).all()
    assert np.mean(ours) == pytest.approx(np.mean(share), abs=0.01)
    counted = found.stability.residents.sum(axis=1)
    assert counted.mean() == pytest.approx(np.mean(totals), abs=4 * np.std(totals) * math.sqrt(2 / draws))
    assert counted.std() == pytest.approx(np.std(totals), rel=0.15)


def test_only_who_is_listed_is_in_the_range():
    found = ask(footprint=("L1",), partner="p")
    listed = [code == "L1" for code in AREAS["lsoa"]["lad_code"]]
    share, totals = by_hand(TheirNumbers(list(NEED), 150, found.parameters["seed"]), "lsoa", "nearest", 150, listed)
    lower, upper = fifth_and_ninetyfifth(totals)
    assert found.summary["underserved_residents_range"] == {
        "lower": pytest.approx(lower),
        "upper": pytest.approx(upper),
    }
    assert upper < AREAS["lad"]["population"].iloc[1] and found.areas["stability"].tolist() == share


@pytest.mark.parametrize("draws", [1, 2, 49, 51])
def test_few_draws_are_drawn_all_the_same(draws):
    found = ask(draws=draws)
    share, totals = by_hand(TheirNumbers(list(NEED), draws, found.parameters["seed"]), "lsoa", "nearest", draws)
    assert found.areas["stability"].tolist() == share
    ends = found.summary["underserved_residents_range"]
    assert [ends["lower"], ends["upper"]] == pytest.approx(fifth_and_ninetyfifth(totals))


def test_no_draws_no_range_and_no_word():
    found = ask(draws=0)
    assert found.summary["underserved_residents_range"] is None and "near_certain" not in found.summary
    assert found.areas["stability"].isna().all() and not found.areas["near_certain"].any()
    assert [row["stability_words"] for row in found.to_json()["areas"]] == [None] * N


def test_of_a_sample_numbers_are_given_and_no_word_is_said():
    sure = ask(draws=50)
    for complete in (Completeness.SAMPLE, Completeness.UNKNOWN):
        found = ask(draws=50, complete=complete)
        assert found.areas["stability"].equals(sure.areas["stability"])
        assert found.summary["underserved_residents_range"] == sure.summary["underserved_residents_range"]
        document = found.to_json()
        assert {row["stability_words"] for row in document["areas"]} == {None} and document["summary"][
            "stability"
        ] is None
        assert {each["stability_words"] for each in document["communities"]} == {None}
        assert document["communities"][0]["stability"] is not None
    assert ask(draws=50, complete=Completeness.MODELLED).summary["stability"] == sure.summary["stability"] != None  # noqa: E711


@pytest.mark.parametrize(("share", "named"), [(1.0, True), (0.9, True), (0.8999, False), (0.3, False)])
def test_nearly_certain_areas_that_are_not_counted_are_named(monkeypatch, share, named):
    def drawn(indicators, weights, model, metric, limit, *, draws, seed, people, **_):
        return Stability(pd.Series([share] * N), draws, seed, {}, pd.DataFrame({"L0": np.zeros(draws), "L1": 0.0}))

    monkeypatch.setattr("layers.methods.gaps.stability", drawn)
    rows, summary = (found := ask()).areas, found.summary
    assert rows["underserved"].any() and not rows["near_certain"][rows["underserved"]].any()  # those are counted
    assert rows["near_certain"][~rows["underserved"]].eq(named).all()
    assert summary["near_certain"] == rows[rows["near_certain"]][["code", "name"]].to_dict("records")
    assert [row["near_certain"] for row in found.to_json()["areas"]] == rows["near_certain"].tolist()
    only = ask(footprint=("L1",), partner="p").summary["near_certain"]
    assert only == rows[rows["near_certain"] & (rows["lad_code"] == "L1")][["code", "name"]].to_dict("records")


def test_a_larger_area_with_withheld_parts_is_drawn_by_its_own_counts():
    """A publisher may withhold small areas and still give their ward: what is hidden cannot be drawn, the ward can."""
    whole = Indicator.of(LAYERS["share"].descriptor, LAYERS["share"].values["ward"])
    below, members = LAYERS["share"].values["lsoa"], members_of(AREAS, "ward")
    rebuilt = DrawnIndicator.of(replace(whole, parts=(below, members)))
    assert [type(source).__name__ for source, _ in rebuilt.sources] == ["Rebuilt"]
    # The ward of S20 to S23 says more than its visible small areas: S20 is hidden from us.
    hidden = below.assign(
        value=below["value"].where(below.index != 20), status=np.where(below.index == 20, "suppressed", "ok")
    )
    some = DrawnIndicator.of(replace(whole, parts=(hidden, members)))
    (parts, places), (own, itself) = some.sources
    assert itself.tolist() == [5] and sorted([*places, *itself]) == list(range(WARDS))
    count, size = (LAYERS["share"].values["ward"][name].iloc[5] for name in ("numerator", "denominator"))
    drawn = some.sample(4_000, np.random.default_rng(1))[:, 5]
    assert drawn.mean() == pytest.approx(100 * count / size, abs=0.5)
    assert drawn.std() == pytest.approx(100 * math.sqrt(count / size * (1 - count / size) / size), rel=0.1)
    assert parts.parts.kind == own.kind == "binomial"


def test_published_errors_come_before_sampling_errors():
    """A modelled percentage whose source states its error is drawn by that, not by the counts beside it."""
    frame = LAYERS["share"].values["lsoa"]
    stated = DrawnIndicator.of(Indicator("a", frame, measure=Measure.PERCENTAGE, per=100, error_sd=2.5))
    drawn = stated.sample(4_000, np.random.default_rng(1))
    assert np.allclose(drawn.std(axis=0), 2.5, rtol=0.1) and np.allclose(
        drawn.mean(axis=0), frame["value"].dropna(), atol=0.2
    )
    nothing = DrawnIndicator.of(Indicator("a", frame[["value"]], measure=Measure.PERCENTAGE, per=100))
    assert not nothing.varies  # without its parts nobody knows of how many it is the share


@pytest.mark.parametrize(
    ("kind", "count", "size", "dispersion", "mean", "variance"),
    [
        ("binomial", 0, 40, 1.0, 0.5, 0.5),
        ("binomial", 40, 40, 1.0, 39.5, 0.5),
        ("binomial", 10, 40, 1.0, 10.0, 7.5),
        ("counts", 0, None, 1.0, 0.5, 0.5),
        ("counts", 0, None, 4.0, 0.5, 0.5),
        ("counts", 12, None, 1.0, 12.0, 12.0),
        ("counts", 12, None, 4.0, 12.0, 48.0),
        ("counts", 300, None, 1.0, 300.0, 300.0),
        ("counts", 300, None, 2.5, 300.0, 750.0),
    ],
)
def test_what_a_count_is_drawn_from(kind, count, size, dispersion, mean, variance):
    trials = np.array([size if kind == "binomial" else float(count)])
    chance = np.array([count / size]) if kind == "binomial" else np.empty(0)
    drawn = sample_counts(kind, trials, chance, 40_000, np.random.default_rng(2), dispersion)[:, 0]
    assert drawn.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / 40_000))
    assert drawn.var() == pytest.approx(variance, rel=0.06)
    assert drawn.min() >= 0 and (size is None or drawn.max() <= size) and (drawn == np.rint(drawn)).all()


def test_of_nobody_nothing_is_drawn_but_nobody():
    # One person, none counted: Poisson(0.5) is cut at 1. Nobody drawn twice as often as there are people.
    drawn = sample_counts("binomial", np.array([1]), np.array([0.0]), 20_000, np.random.default_rng(2))[:, 0]
    assert set(drawn.tolist()) == {0.0, 1.0} and drawn.mean() == pytest.approx(1 - math.exp(-0.5), abs=0.01)
