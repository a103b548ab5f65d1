"""Compared with last time: each page of a second version ends with what its first figure was in the one before."""

from __future__ import annotations

import pytest

from dashboard.briefings.filling.build import build_briefing
from dashboard.briefings.sources import find
from dashboard.briefings.writing.drafting import pins_and_facts
from dashboard.published import Published
from layers import PUBLIC, SYSTEM, Briefings, NotFound, open_store, read_briefing
from tests.databases import database_url
from tests.layers.store_fixtures import indicator

TEXT = """---
title: Harm
partner: westshire
audience: public
---
# It is {{ value layer=debt area=T01 }} in T01

In T02 it is {{ value layer=debt area=T02 }}.

# Nothing is counted here

We meet again.

# A second look{more}

The region has {{ region.residents }} residents.
"""


@pytest.fixture()
def here(tiny_region, tmp_path):
    """Tinyland with a store of its own, an analyst, and a first version of a layer."""
    store = open_store(database_url(tmp_path / "store.sqlite"), tiny_region)
    store.accounts.add_user("wes", role="analyst", partner="westshire", by=SYSTEM)
    yield Published(tiny_region, store, tmp_path)
    store.close()


def publish(here, first, more="", audience="public"):
    """The layer with this figure in T01, then the briefing, pinned to it."""
    wes = here.store.accounts.viewer_named("wes")
    here.store.publish(indicator("debt", title="Debt", first=first), by=wes)
    text = TEXT.replace("{more}", more).replace("audience: public", f"audience: {audience}")
    pins, facts = pins_and_facts(build_briefing(here, read_briefing(text), briefing_id="harm", author=wes))
    return Briefings(here.store).publish(text=text, by=wes, pins=pins, facts=facts, briefing_id="harm")


def ends(here, viewer=PUBLIC, version=None):
    """The last paragraph of each page."""
    pages = find(here, "harm", viewer, version).briefing.pages
    return ["".join(run.text for run in page.blocks[-1].items[-1]) for page in pages]


def test_a_first_version_has_nothing_to_be_compared_with(here):
    publish(here, 40.0)
    assert not any("Last time" in text for text in ends(here))


def test_the_headline_s_figure_is_compared_first(here):
    publish(here, 40.0)
    publish(here, 50.0)
    harm, nothing, again = ends(here)
    day = here.store.now().date()
    assert harm == f"Last time, on {day.day} {day:%B %Y}: 40 points, now 50 points."
    assert nothing == "We meet again."  # a page without a figure stays as it is
    assert again.endswith(": the same.")  # nobody moved
    assert not any("Last time" in text for text in ends(here, version=1))


def test_a_figure_that_was_not_there_is_not_compared(here):
    publish(here, 40.0)
    publish(here, 50.0, more=" at {{ value layer=debt area=T03 }}")
    assert ends(here)[2].endswith(": the same.")  # the headline's is new: the next that was there is taken


def test_who_may_not_read_the_one_before_is_told_nothing_of_it(here):
    publish(here, 40.0, audience="owner")
    publish(here, 50.0)
    with pytest.raises(NotFound):
        find(here, "harm", PUBLIC, 1)
    assert not any("Last time" in text for text in ends(here))
    assert "Last time" in ends(here, here.store.accounts.viewer_named("wes"))[0]
