""" "Gaps in <theme>": the question, how many, where, who, how sure, what looking alone hides, one more site, and what to decide."""

from __future__ import annotations

from dataclasses import replace

from dashboard.briefings.filling.questions import Question
from dashboard.briefings.writing.starter_writing import (
    Writer,
    border_headlines,
    cut,
    exhibit,
    lower,
    md,
    services_view,
    together_found,
    token,
)
from dashboard.published import Published
from dashboard.views import wording
from dashboard.views.gap_words import a_site, one_of
from dashboard.views.gaps import Gaps, answer_or_sorry
from dashboard.views.options import Option, OptionsQuery, opened
from dashboard.views.siting import plan_sites, siting_request
from layers import PUBLIC


def gaps_text(published: Published, title: str, question: Question, gaps: Gaps) -> str:
    w, s, v = Writer(published), gaps.summary, question.view
    theme, thing = question.theme, md(one_of((question.services,)))
    none = not s["underserved_areas"]
    need_view = replace(question.selection, show="need").query_string()
    w.page(
        _asked(w, question),
        ("Need is measured by {{ gaps.need }}.", md(question.note)),
        (f"Help means {{{{ gaps.services }}}}: {token('services.count', layer=question.services.id)} in the region.",),
        "{{ gaps.rule }}",
        exhibits=(exhibit("map", f"view: {need_view}"), exhibit("map", f"view: {v}")),
        notes=(
            "Start with what is asked, and of whom. The map shows need alone, without any service.",
            "Ask whether these are the right signs of need. If not, change them on the map and see what moves.",
        ),
        view=v,
    )
    if none:
        _no_gap_pages(w, question, gaps)
    else:
        _gap_pages(w, question, gaps)
    _alone_page(w, published, question)
    if not none:
        _site_page(w, published, question, thing)
    w.page(
        ("What these numbers do not tell us",),
        "- They name places, not people. Somebody in great need may live anywhere.\n"
        f"- They do not say whether {md(a_site((question.services,)))} has room, is open, or is one that people trust.\n"
        "- Distance is a straight line. A river without a bridge or a bus that does not run makes it longer.\n"
        "- Lists of services hold what partners have published. A missing one looks like a gap.",
        notes=("Say this page aloud. It is what makes the rest of it believable.",),
        view=v,
    )
    _decide_page(w, none, bool(s["shared_communities"]), thing)
    return w.document(title, subtitle=cut(_token_free(theme.question)), theme=theme.id, view=v)


def _asked(w: Writer, question: Question) -> tuple[str, ...]:
    """How much help there is for how many; where that cannot be said, what is asked."""
    theme, things = question.theme, question.services
    count = token("services.count", layer=things.id)
    said = (f"{count} {md(lower(things.title))} for {{{{ region.residents }}}} residents",)
    if w.filled(count) in (None, "0", "1"):
        said = ()
    return (
        *said,
        md(theme.question),
        f"{md(theme.name)}: where is help far from need?",
        "Where is help far from need?",
    )


def _token_free(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _gap_pages(w: Writer, question: Question, gaps: Gaps) -> None:
    s, v = gaps.summary, question.view
    level = wording.LEVEL_WORDS[gaps.level]
    areas = level[0] if s["underserved_areas"] == 1 else level[1]
    many = s["communities"] > 1
    size = "has {{ community.areas n=1 }} areas" if gaps.cards[0].areas > 1 else "is one area"
    several = len(w.published.region.areas["lad"]) > 1
    w.page(
        ("{{ gaps.residents }} people live where need is high and help is far",),
        (f"They live in {{{{ gaps.areas }}}} {areas}.", "That is {{ gaps.share }} of all residents."),
        exhibits=(exhibit("chart", "type: gaps") if several else "", exhibit("map", f"view: {v}")),
        notes=("{{ gaps.rule }}", "{{ gaps.sentence }}"),
        view=v,
    )
    w.page(
        (
            "The largest gap is {{ community.name n=1 }}, with {{ community.residents n=1 }} residents"
            if many
            else "The gap is {{ community.name n=1 }}, with {{ community.residents n=1 }} residents",
            "The largest gap has {{ community.residents n=1 }} residents",
        ),
        f"{{{{ community.name n=1 }}}} {size}, {{{{ community.shares n=1 }}}}: "
        "{{ community.need n=1 }}, {{ community.access n=1 }}.",
        "{{ community.drivers n=1 }}",
        "{{ community.penalty n=1 }}",
        exhibits=(exhibit("map", f"view: {v}"),),
        notes=(
            "Dark areas with an outline are the gaps. A name stands at each of the largest.",
            "{{ community.stability n=1 }}",
        ),
        view=v,
    )
    shared = "{{ gaps.shared }} of them lie in two authorities or more: nobody can close those alone."
    if s["shared_communities"] == 1:
        shared = "One of them lies in two authorities or more: nobody can close it alone."
    w.page(
        ("{{ gaps.communities }} communities are underserved" if many else "One community is underserved",),
        ("A community is made of underserved areas that touch.", shared if s["shared_communities"] else ""),
        exhibits=(exhibit("table", "type: communities", "n: 8"),),
        notes=("Read the first three aloud, and ask who in the room knows them.",),
        view=v,
    )
    fifths = exhibit("chart", "type: fifths")
    if w.shows(fifths, v):
        w.page(
            (
                "Where need is most, the nearest is {{ access.most_need }} away; where least, {{ access.least_need }}",
                "How far is help from those with most need?",
            ),
            "Areas are put into five groups, from least need to most. The bars show the mean distance of their residents.",
            "Equal bars mean that distance does not follow need. It should be shortest where need is most.",
            exhibits=(fifths,),
            notes=("If the last bar is the longest, services stand where they are needed least.",),
            view=v,
        )
    w.page(
        (
            "{{ gaps.sure }} of {{ gaps.areas }} areas stay gaps when our choices change"
            if s["underserved_areas"] > 1
            else "How sure is this gap?",
            "How sure are these gaps?",
        ),
        (
            "We changed the weights, the distances and the counts 500 times within reason.",
            "A gap is firm when it stays in nine of ten, likely in six of ten: {{ gaps.firm }} are firm.",
        )
        if gaps.result.stability is not None and gaps.result.stability.draws == 500
        else ("A gap is firm when it stays in nine of ten trials with other choices: {{ gaps.firm }} are firm.",),
        (_near_words(s["near_misses"], level),),
        "{{ gaps.ward_sentence }}",
        exhibits=(exhibit("community", "n: 1"),),
        notes=("{{ community.stability n=1 }}", "A weak gap is a reason to look, not a reason to build."),
        view=v,
    )


def _near_words(near: int, level: tuple[str, str]) -> str:
    if not near:
        return ""
    return (
        f"One more {level[0]} comes close." if near == 1 else f"{{{{ gaps.near_misses }}}} more {level[1]} come close."
    )


def _no_gap_pages(w: Writer, question: Question, gaps: Gaps) -> None:
    level, v = wording.LEVEL_WORDS[gaps.level], question.view
    w.page(
        (f"No {level[0]} is underserved by this rule",),
        "{{ gaps.sentence }}",
        (_near_words(gaps.summary["near_misses"], level),),
        exhibits=(exhibit("map", f"view: {v}"),),
        notes=(
            "This is good news for this rule only. A stricter distance, or another measure of need, may find some.",
        ),
        view=v,
    )


def _alone_page(w: Writer, published: Published, question: Question) -> None:
    """What looking alone hides, where there is more than one authority."""
    if len(published.region.areas["lad"]) < 2 or together_found(published, question) is None:
        return
    view, thing = services_view(question), md(one_of((question.services,)))
    misjudged = token("together.misjudged", view=view)
    headlines = border_headlines(w, view, thing)
    if w.filled(misjudged, view) not in (None, "0"):
        headlines = (
            f"Looking alone misses the {thing} near {misjudged} people",
            f"Looking alone misses help near {misjudged} people",
            *headlines,
        )
    w.page(
        headlines,
        "{{ together.sentence }}",
        exhibits=(exhibit("chart", "type: border", f"view: {view}"), exhibit("together", f"view: {view}")),
        notes=(
            "Alone means that each authority counts only its own services. Together counts everybody’s.",
            "Where a river has no crossing, the neighbour’s service is farther than it looks.",
        ),
        view=view,
    )


def _site_page(w: Writer, published: Published, question: Question, thing: str) -> None:
    """What one more site could do, by the quick search; left out where it finds nothing to gain."""
    request = siting_request(published, question.selection, new=1, exact=False, compare_alone=False)
    plan = answer_or_sorry(lambda: plan_sites(published, request, PUBLIC))
    sites = getattr(getattr(getattr(plan, "result", None), "plan", None), "sites", ())
    if not sites or not plan.result.plan.value > 0:
        return
    option = Option(
        "A", f"One more {one_of((question.services,))}"[:60], (opened(sites[0].easting, sites[0].northing),)
    )
    view = OptionsQuery(question.selection, options=(option,)).query_string()
    w.page(
        (f"One more {thing} would do most here", "One more site would do most here"),
        "The map shows the place from which one more site would reach most people in gaps.",
        "It is a sum on a map, not a plan. Land, staff, money and what people there want are not in it.",
        exhibits=(exhibit("options", f"view: {view}"),),
        notes=("The options page can try other places, two sites, or longer hours at those that exist.",),
        view=question.view,
    )


def _decide_page(w: Writer, none: bool, shared: bool, thing: str) -> None:
    if none:
        steps = [
            "Do we agree with the rule: this measure of need, and this distance?",
            "Which list of services should be checked first?",
            "When do we look again?",
        ]
    else:
        steps = [
            "Which community do we look at first, and who visits it?",
            f"Is the answer one more {thing}, other hours, a bus, or telling people of what there is?",
            "Who must sit at the table because the gap is theirs too?"
            if shared
            else "Which neighbour’s service could be used, and who asks them?",
            "Who does what by when, and when do we look at these numbers again?",
        ]
    w.page(
        ("What we have to decide today",),
        "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)),
        notes=("Write down names and dates before the item is closed.",),
    )
