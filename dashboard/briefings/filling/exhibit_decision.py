"""The page for decision: one site (A), several planned together (B) and as many planned apart (C), and who gains by each."""

from __future__ import annotations

from dataclasses import replace

from dashboard.briefings.filling import showing
from dashboard.briefings.filling.asking import pins, refused
from dashboard.briefings.filling.comparing import gains_of, plan_for
from dashboard.briefings.filling.model import Figure
from dashboard.briefings.filling.showing import ExhibitRequest, Exhibits
from dashboard.drawing.charts import chart_svg
from dashboard.drawing.palette import DUO
from dashboard.drawing.shown import ChartData, TableData
from dashboard.views import gap_words, spoken, wording
from dashboard.views.siting import Plan, site_cards
from layers import SitingPlan

DECISIONS = Exhibits()
MOST_SITES = 5
HOST, NEIGHBOUR = "In the council where it stands", "In a neighbour council"


@DECISIONS.add(
    "chart",
    "decision",
    says="Options A, B and C: one more site, “n” sites planned together and “n” planned apart, with who gains by each.",
    takes="need services level period n",
)
def _decision(ask: ExhibitRequest) -> Figure:
    ask.view_needed("need", "services")
    gaps, many = ask.gaps(), ask.count(MOST_SITES, 3)
    if many < 2:
        raise refused("a decision between options needs two sites or more", "write n: 2 to 5", "briefing-value")
    if not gaps.claims.counts:
        raise refused("what it rests on is not fit for counting people", "leave the page out", "unfit")
    one, together = (plan_for(ask.published, ask.selection, ask.reader, n) for n in (1, many))
    count = wording.capital(spoken.word(many))
    names = gap_words.authority_names(ask.published)
    rows = [_option("A. One site", one), _option(f"B. {count} sites, together", together)]
    alone = together.result.plan.alone
    if alone is not None:
        split = wording.listing([f"{n} in {names.get(lad, lad)}" for lad, n in sorted(alone.split.items()) if n], 4)
        rows.append(_Row(f"C. {count} sites, apart", split, alone.counted, max(alone.value - alone.counted, 0.0), ""))
    people = together.result.plan.demand
    limit = wording.standard_words(together.result.plan.max_m, together.result.plan.unit)
    data = ChartData(
        "stacked",
        tuple(row.name for row in rows),
        (HOST, NEIGHBOUR),
        (tuple(row.host for row in rows), tuple(row.neighbour for row in rows)),
        f"people brought within {limit}, out of {spoken.people(people)}",
        colours=DUO,
    )
    title = f"Options: people of gaps brought within {limit}"
    alt = " ".join(f"{row.name}: {row.total:,.0f} residents." for row in rows)
    table = TableData(
        ("Option", "Where", "Residents", "Share of those in gaps", "Who gains"),
        tuple(
            (
                row.name,
                row.where,
                f"{row.total:,.0f}",
                wording.percent(row.total / people) if people else "–",
                row.gains,
            )
            for row in rows
        ),
        (False, False, True, True, False),
        "Found by a quick search, in straight lines. Costs, land and staff are not in it.",
    )
    svg = chart_svg(data, title=title, description=alt, id_prefix=ask.id_prefix)
    where = replace(ask.selection, show="gap", area="", at=None)
    return Figure(
        "chart", title, alt, svg=svg, chart=data, table=table, layers=pins(*together.layers),
        filters=showing.gap_filters(ask, gaps), link=f"/options?{where.query_string()}",
    )  # fmt: skip


class _Row:
    def __init__(self, name: str, where: str, host: float, neighbour: float, gains: str):
        self.name, self.where, self.host, self.neighbour, self.gains = name, where, float(host), float(neighbour), gains

    @property
    def total(self) -> float:
        return self.host + self.neighbour


def _option(name: str, plan: Plan) -> _Row:
    found: SitingPlan = plan.result.plan
    host = sum(site.gained_by_lad.get(site.lad_code, 0.0) for site in found.sites)
    gains = wording.listing([f"{name} {people:,.0f}" for name, people in gains_of(plan)], 4)
    where = wording.listing([card.name for card in site_cards(plan)], 5)
    return _Row(name, where, host, max(found.value - host, 0.0), gains)
