"""The attacker's arithmetic: published oracles, and random systems against a slower second opinion."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info

from layers.methods.disclosure_solver import Solver
from layers.methods.disclosure_system import Attacker, System, bounds, exactly_known, narrowed, protect_cells, protects
from layers.methods.one_thread import one_thread


def system(sums, values, hidden, names, slack=0.0):
    """``sums``: lists of names whose last is the sum of the others. What is not hidden is shown, within ``slack``."""
    at = {name: number for number, name in enumerate(names)}
    rows = np.zeros((len(sums), len(names)))
    for row, (*parts, total) in zip(rows, sums, strict=True):
        row[[at[name] for name in parts]] = 1
        row[at[total]] = -1
    x = np.array([values[name] for name in names], float)
    shown = np.array([name not in hidden for name in names])
    low = np.where(shown, np.maximum(x - slack, 0), 0.0)
    high = np.where(shown, x + slack, np.inf)
    return System(csr_array(rows), low, high, shown), at, rows


ROWS, COLUMNS = "wxyz", "abcd"
TABLE = dict(
    zip(
        [r + c for r in ROWS for c in COLUMNS],
        [30, 47, 64, 89, 90, 124, 5, 31, 92, 100, 59, 85, 800, 991, 651, 685],
        strict=True,
    )
)
LINES = [[r + c for c in COLUMNS] + [r] for r in ROWS] + [[r + c for r in ROWS] + [c] for c in COLUMNS]
TOTALS = {line[-1]: sum(TABLE[cell] for cell in line[:-1]) for line in LINES}
NAMES = [*TABLE, *TOTALS]


def test_two_hidden_in_every_line_can_still_give_one_away():
    """sdcTable's test of the simple heuristic: rows w and x less columns a and c leave exactly wb = 47."""
    hidden = ["wa", "wb", "wc", "xa", "xc", "yb", "yd", "zb", "zd"]
    table, at, rows = system(LINES, TABLE | TOTALS, hidden, NAMES)
    known = exactly_known(rows, ~table.shown)
    assert [name for name in NAMES if known[at[name]]] == ["wb"]
    low, high = bounds(table, np.array([at[name] for name in hidden]))
    found = {name: (round(low[at[name]], 6) + 0.0, round(high[at[name]], 6)) for name in hidden}
    assert found == {
        "wa": (25, 94), "wb": (47, 47), "wc": (0, 69), "xa": (26, 95), "xc": (0, 69), "yb": (0, 185), "yd": (0, 185),
        "zb": (906, 1091), "zd": (585, 770),
    }  # fmt: skip
    # Hiding xb as well leaves nothing exact.
    table, at, rows = system(LINES, TABLE | TOTALS, [*hidden, "xb"], NAMES)
    assert not exactly_known(rows, ~table.shown).any()
    low, high = bounds(table, np.array([at["wb"], at["xb"]]))
    assert (low[at["wb"]], high[at["wb"]]) == pytest.approx((0, 141))
    assert (low[at["xb"]], high[at["xb"]]) == pytest.approx((30, 171))


AREAS = dict(zip("ABIJKLMN", [2, 2, 8, 8, 3, 3, 3, 7], strict=True))
LINKED = [
    ["A", "B", "I", "J", "county-1"],
    ["K", "L", "M", "N", "county-2"],
    ["L", "M", "big"],
    ["A", "B", "I", "J", "K", "N", "small"],
]
SUMS = {"county-1": 20, "county-2": 16, "big": 6, "small": 30}


def test_two_groupings_of_the_same_areas_give_away_what_neither_does_alone():
    """sdcTable's linked tables, our ward and catchment: 30 - 20 - 7 = 3 is K; hiding N too mends it."""
    names = [*AREAS, *SUMS]
    for lines in (LINKED[:2], LINKED[2:]):
        table, at, rows = system(lines, AREAS | SUMS, "ABKLM", names)
        assert not exactly_known(rows, ~table.shown)[[at["K"]]].any()
    table, at, rows = system(LINKED, AREAS | SUMS, "ABKLM", names)
    assert exactly_known(rows, ~table.shown)[at["K"]]
    low, high = bounds(table, np.array([at["K"]]))
    assert (low[at["K"]], high[at["K"]]) == pytest.approx((3, 3))
    table, at, _ = system(LINKED, AREAS | SUMS, "ABKLMN", names)
    cells = [at[name] for name in "KABLM"]
    low, high = bounds(table, np.array(cells))
    assert [(round(low[c], 6) + 0.0, round(high[c], 6)) for c in cells] == [(0, 10), (0, 4), (0, 4), (0, 6), (0, 6)]


def test_the_companion_is_found_that_the_literature_names():
    names = [*AREAS, *SUMS]
    table, at, _ = system(LINKED, AREAS | SUMS, "ABKLM", names)
    cost = np.full(len(names), np.inf)
    cost[[at[name] for name in "IJN"]] = [8, 8, 7]
    hidden = np.array([at[name] for name in "ABKLM"])
    done = protect_cells(table, hidden, np.ones(len(names)), np.full(len(names), 4), cost=cost)
    assert [names[c] for c in done.companions] == ["N"] and not len(done.failing)


def slow_bounds(one: System, cell: int) -> tuple[float, float]:
    """The same by scipy's solver, one variable at a time, without narrowing or knots."""
    limits = list(zip(one.low, np.where(np.isinf(one.high), None, one.high), strict=True))
    cost = np.zeros(one.size)
    cost[cell] = 1
    found = []
    for sign in (1, -1):
        answer = linprog(sign * cost, A_eq=one.rows.toarray(), b_eq=np.zeros(one.rows.shape[0]), bounds=limits)
        found.append(sign * answer.fun if answer.status == 0 else np.inf)
    return found[0], found[1]


@st.composite
def trees(draw):
    """Areas in wards in one authority; every count below 8 is hidden."""
    wards = draw(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), min_size=1, max_size=4))
    values, sums = {}, []
    for w, areas in enumerate(wards):
        for a, count in enumerate(areas):
            values[f"a{w}{a}"] = count
        values[f"w{w}"] = sum(areas)
        sums.append([*(f"a{w}{a}" for a in range(len(areas))), f"w{w}"])
    values["all"] = sum(values[f"w{w}"] for w in range(len(wards)))
    sums.append([*(f"w{w}" for w in range(len(wards))), "all"])
    hidden = [name for name, count in values.items() if 0 < count < 8]
    return values, sums, hidden, draw(st.sampled_from([0, 2]))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees())
def test_narrowing_is_exact_on_trees(tree):
    values, sums, hidden, slack = tree
    one, at, _ = system(sums, values, hidden, list(values), slack)
    low, high, broken = narrowed(one)
    assert not broken.any()
    for name in values:
        small, large = slow_bounds(one, at[name])
        assert low[at[name]] == pytest.approx(small, abs=1e-6), name
        assert high[at[name]] == pytest.approx(large, abs=1e-6), name


@st.composite
def tables(draw):
    """Areas by types, with the totals of both: every line is a sum, so hidden cells stand in rings."""
    areas, types = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    cells = draw(st.lists(st.integers(0, 25), min_size=areas * types, max_size=areas * types))
    values = {f"{a}.{t}": cells[a * types + t] for a in range(areas) for t in range(types)}
    sums = [[*(f"{a}.{t}" for t in range(types)), f"{a}."] for a in range(areas)]
    sums += [[*(f"{a}.{t}" for a in range(areas)), f".{t}"] for t in range(types)]
    for *parts, total in sums:
        values[total] = sum(values[p] for p in parts)
    sums.append([*(f"{a}." for a in range(areas)), "."])
    sums.append([*(f".{t}" for t in range(types)), "."])
    values["."] = sum(cells)
    hidden = [name for name, count in values.items() if 0 < count < 8]
    return values, sums, hidden, draw(st.sampled_from([0, 2]))


@st.composite
def rings(draw):
    """Three figures of every area and every two of them added up, in a ward: or periods that overlap, and the year."""
    areas = draw(st.integers(1, 3))
    cells = [draw(st.lists(st.integers(0, 25), min_size=4, max_size=4)) for _ in range(areas)]
    made = draw(st.sampled_from([{"ab": "ab", "bc": "bc", "ca": "ca"}, {"abc": "abc", "bcd": "bcd"},
                                 {"ab": "ab", "cd": "cd", "abcd": "abcd"}, {"abc": "abc", "bcd": "bcd", "abcd": "abcd"}]))  # fmt: skip
    names = sorted({letter for parts in made.values() for letter in parts})
    values, sums = {}, []
    for area, row in enumerate(cells):
        figures = dict(zip("abcd", row, strict=True))
        values |= {f"{name}{area}": figures[name] for name in names}
        for total, parts in made.items():
            values[f"{total}{area}"] = sum(figures[part] for part in parts)
            sums.append([*(f"{part}{area}" for part in parts), f"{total}{area}"])
    for name in [*names, *made]:
        values[f"{name}."] = sum(values[f"{name}{area}"] for area in range(areas))
        sums.append([*(f"{name}{area}" for area in range(areas)), f"{name}."])
    hidden = [name for name, count in values.items() if 0 < count < 8]
    return values, sums, hidden, draw(st.sampled_from([0, 2]))


def guard(values, sums, hidden, slack):
    names = list(values)
    one, at, _rows = system(sums, values, hidden, names, slack)
    cost = np.array([values[name] if values[name] >= 8 else np.inf for name in names], float)
    cells = np.array([at[name] for name in hidden], int)
    done = protect_cells(one, cells, np.ones(len(names)), np.full(len(names), 8), cost=cost)
    return names, at, done, {*hidden, *(names[c] for c in done.companions)}


def fails(values, sums, hidden, slack) -> list[str]:
    """Hidden cells that are not protected, by the slow way."""
    one, at, _ = system(sums, values, hidden, list(values), slack)
    out = []
    for name in hidden:
        low, high = slow_bounds(one, at[name])
        if not protects(np.array([low]), np.array([high]), np.array([1.0]), np.array([8.0]))[0]:
            out.append(name)
    return out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(trees(), tables(), rings()))
def test_nothing_small_is_left(case):
    values, sums, hidden, slack = case
    names, _, done, covered = guard(values, sums, hidden, slack)
    assert {names[c] for c in done.failing} == set(fails(values, sums, sorted(covered), slack))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(trees(), tables(), rings()))
def test_nothing_is_hidden_without_need(case):
    """Showing any one companion again gives something away that is not given away with it."""
    values, sums, hidden, slack = case
    names, _, done, covered = guard(values, sums, hidden, slack)
    left = {names[c] for c in done.failing}
    for companion in covered - set(hidden):
        assert set(fails(values, sums, sorted(covered - {companion}), slack)) - left, companion


def test_a_figure_that_was_corrected_does_not_stop_the_rest():
    # a + b = t holds no more; c + d = u does, and gives d away.
    one, at, _ = system(
        [list("abt"), list("cdu")], dict(zip("abtcdu", [5, 6, 40, 10, 3, 13], strict=True)), "d", "abtcdu"
    )
    low, high = bounds(one, np.array([at["d"]]))
    assert (low[at["d"]], high[at["d"]]) == (3, 3)


def periods(areas=60, authorities=3, years=6):
    """Counts in years, and in stretches of three years: small ones are withheld, so that what is known hangs together in rings,
    one in each authority (whose figures are exact)."""
    random = np.random.default_rng(5)
    count = random.poisson(6.0, (areas, years))
    names, values, sums = [], {}, []
    for period in [(y, y + 1) for y in range(years)] + [(y, y + 3) for y in range(years - 2)]:
        whole = {}
        for area in range(areas):
            name = f"{area}:{period}"
            values[name] = int(count[area, slice(*period)].sum())
            whole.setdefault(area % authorities, []).append(name)
            if period[1] - period[0] > 1:
                sums.append([f"{area}:{(y, y + 1)}" for y in range(*period)] + [name])
        for authority, parts in whole.items():
            total = f"total {authority}:{period}"
            values[total] = sum(values[part] for part in parts)
            sums.append([*parts, total])
        names += [*(part for parts in whole.values() for part in parts), *(f"total {a}:{period}" for a in whole)]
    hidden = [name for name in names if 0 < values[name] < 8]
    return (*system(sums, values, hidden, names)[:2], hidden)


def test_every_knot_is_asked_by_itself_and_walked_through_in_few_steps(monkeypatch):
    table, at, hidden = periods()
    asked = []
    run = Solver._run

    def counted(solver, *question):
        out = run(solver, *question)
        asked.append((len(solver.low), solver.model.getInfo().simplex_iteration_count))
        return out

    monkeypatch.setattr(Solver, "_run", counted)
    cells = np.array([at[name] for name in hidden])
    low, high = bounds(table, cells)
    assert len(asked) > 100 and max(size for size, _ in asked) <= len(at) / 3
    assert np.mean([steps for _, steps in asked]) < 4  # six by the dual simplex, and hundreds in a region
    some = [at[name] for name in hidden[::40]]
    assert [(round(low[j], 4), round(high[j], 4)) for j in some] == [
        tuple(round(end, 4) for end in slow_bounds(table, j)) for j in some
    ]


def test_what_was_seen_in_one_knot_stands_while_another_changes():
    table, at, hidden = periods()
    attacker, cells = Attacker(table), np.array([at[name] for name in hidden])
    attacker.bounds(cells)
    mine, other = (attacker._knots[int(table.rows.tocsc()[:, [at[f"total {a}:(0, 1)"]]].indices[0])] for a in (0, 1))
    assert mine is not other
    shown = next(name for name in at if name.startswith("0:") and name not in hidden)
    before = table.low.copy(), table.high.copy()
    attacker.hide([at[shown]])
    attacker.bounds(np.r_[cells, at[shown]])
    assert other in attacker._knots.values()
    attacker.show([at[shown]], *before)
    low, high = attacker.bounds(cells)
    again = bounds(table, cells)
    assert np.allclose(low[cells], again[0][cells]) and np.allclose(high[cells], again[1][cells])
    assert other in attacker._knots.values() and mine not in attacker._knots.values()


def test_small_matrices_stay_on_one_thread():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with one_thread(), one_thread():
        assert set(threads()) == {1}
    assert threads() == before
