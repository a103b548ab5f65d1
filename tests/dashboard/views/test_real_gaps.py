"""The real North East: drug and alcohol services over the alcohol-harm set, the same numbers from screen, API and command."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from dashboard.app import create_app
from dashboard.cli import main
from dashboard.components.answer import answer
from dashboard.selection import Selection, weighted
from dashboard.views import gap_communities, gap_files, siting
from dashboard.views import gaps as view
from dashboard.views import together as both
from dashboard.views.claims import gate_document
from layers import PUBLIC, load_region, open_store

ROOT = Path(__file__).resolve().parents[3]
SERVICES = "drug-alcohol-services"

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The North East, built from the official files with the layers of the alcohol-harm set and an age band."""
    from layers import build_region

    source = ROOT.parent / "shared" / "data"
    if not source.is_dir():
        pytest.skip("the real open data is not at ../shared/data")
    home = tmp_path_factory.mktemp("north-east")
    needs = [
        "acute-morbidity-2025", "violence-with-injury-2025", "mental-health-2025", "early-death-2025",
        "anti-social-behaviour-2024",
    ]  # fmt: skip
    build_region(
        ROOT / "data/regions/north-east.toml",
        source,
        home / "pack",
        only_layers=[*needs, SERVICES, "residents-65-plus-2020"],
    )
    return home


@pytest.fixture(scope="module")
def here(home):
    from dashboard.published import Published

    region = load_region(home / "pack")
    store = open_store(f"sqlite:///{home / 'store.sqlite'}", region)
    yield Published(region, store, home)
    store.close()


@pytest.fixture(scope="module")
def asked(here):
    preset = next(preset for preset in here.region.presets if preset.id == "alcohol-harm")
    return Selection(need=weighted(preset.weights.items()), services=(SERVICES,), show="gap")


@pytest.fixture(scope="module")
def found(here, asked):
    return view.gaps_of(here, asked, PUBLIC)


@pytest.fixture(scope="module")
def get(here):
    client = create_app(here, "a key for the tests only").server.test_client()
    return lambda path, **query: client.get(f"/api/v1/{path}", query_string=query)


@pytest.fixture()
def run(home, tmp_path):
    environment = os.environ | {
        "COMMONGROUND_REGION": str(home / "pack"), "COMMONGROUND_HOME": str(tmp_path), "COMMONGROUND_SECRET_KEY": "x",
    }  # fmt: skip
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words], env=environment)


def plain(document) -> dict:
    document = json.loads(json.dumps(document))
    for layer in document.get("layers", ()):
        layer.pop("published_at")  # two stores, each filled at its own time
    return document


def text_of(component) -> str:
    """All the words of a component, in order."""
    if component is None:
        return ""
    if isinstance(component, str | int | float):
        return str(component)
    if isinstance(component, list | tuple):
        return " ".join(map(text_of, component))
    return text_of(getattr(component, "children", None))


def test_communities_have_names_and_some_are_shared(found):
    assert len(found.result.areas) == 1_257
    assert found.summary["underserved_areas"] > 20
    assert all(card.name and card.stability_words for card in found.cards)
    # of this need set no community crosses a border today; several lie close to one on the other side
    assert sum(card.shared or card.id in found.across for card in found.cards) >= 5
    # eleven sites are a sample: how sure it is has a number, and no word
    assert all(not card.stability_word and "in this sample of 9 sites" in card.stability_words for card in found.cards)
    assert not any(card.stability_word for card in found.cards) and found.summary["stability"] is None
    assert found.summary["vanish_at_ward"]["averaged"]  # standardised ratios are not published by ward


def test_the_rule_again_by_a_second_calculation(found, here):
    """Underserved, nearest distances and the residents nearer elsewhere, counted the slow way."""
    table, areas = found.result.areas, here.region.areas["lsoa"]
    sites = here.store.services(SERVICES, PUBLIC)
    sites = sites[sites["easting"].notna()]
    far = np.hypot(
        areas["centroid_x"].to_numpy()[:, None] - sites["easting"].to_numpy(),
        areas["centroid_y"].to_numpy()[:, None] - sites["northing"].to_numpy(),
    )
    straight = far.min(axis=1)
    # every pair by its way over land, one by one; tests/layers/methods/test_real_water.py works these out a second time
    points, ends = (frame.to_numpy() for frame in (areas[["centroid_x", "centroid_y"]], sites[["easting", "northing"]]))
    rows, cols = (grid.ravel() for grid in np.indices(far.shape))
    far = here.region.water.replaced(points, ends, rows, cols, far.ravel(), np.inf).reshape(far.shape)
    assert np.allclose(far.min(axis=1), table["access"])
    assert 20 < (far.min(axis=1) > straight + 250).sum() < 50
    assert ((table["need"] >= 80) & (far.min(axis=1) > found.result.access.limit)).equals(table["underserved"])
    own = np.where(areas["lad_code"].to_numpy()[:, None] == sites["lad_code"].fillna("").to_numpy(), far, np.inf)
    elsewhere = far.min(axis=1) < own.min(axis=1)
    people = areas["population"].to_numpy()
    assert found.summary["residents_nearer_elsewhere"] == pytest.approx(people[elsewhere].sum())
    assert people[elsewhere].sum() > 100_000


def test_gaps_are_the_same_on_screen_in_the_api_and_from_the_command(here, asked, found, get, run):
    want = plain(gap_files.gaps_document(found))
    assert plain(get("gaps", need=asked.need, services=SERVICES).get_json()) == want
    said = run("gaps", "--need", asked.need, "--services", SERVICES, "--json")
    assert said.exit_code == 0 and plain(json.loads(said.stdout)) == want
    shown = answer(here, asked, PUBLIC)
    assert shown.sentence.startswith(want["summary"]["summary_sentence"])
    screen = text_of(shown.top)
    for community, card in zip(want["communities"][:20], found.cards, strict=False):
        assert community["name"] == card.name and card.place in screen
        assert f"{community['population']:,.0f}" in screen and card.stability_words in screen
    grid = text_of(answer(here, replace(asked, grid=True), PUBLIC).legend)  # behind its switch
    assert all(f"{count:,}" in grid for row in want["summary"]["bivariate"] for count in row)
    only = text_of(
        answer(
            here, Selection(**(asked.as_data() | {"services": (SERVICES,), "overlays": (), "shared": True})), PUBLIC
        ).top
    )
    for card in found.cards[:40]:
        assert (card.stability_words in only and card.name in only) or not (card.shared or card.id in found.across)


def test_close_across_a_border_again_by_plain_distances(found, here):
    """Every pair of underserved areas of different authorities and communities, outline to outline in metres."""
    areas = here.region.areas["lsoa"].to_crs("EPSG:27700")
    chosen = found.result.areas[found.result.areas["underserved"]]
    pairs: dict[tuple[str, str], float] = {}
    for a, one in chosen.iterrows():
        for b, two in chosen.iterrows():
            if one["lad_code"] != two["lad_code"] and one["community"] != two["community"]:
                far = areas.geometry[a].distance(areas.geometry[b])
                if far <= gap_communities.ACROSS_M:
                    key = (one["community"], two["community"])
                    pairs[key] = min(pairs.get(key, np.inf), far)
    got = {(own, facing.id): facing.metres for own, those in found.across.items() for facing in those}
    assert got == pytest.approx(pairs, abs=1.0)


def test_another_need_set_has_shared_communities(here, asked):
    """A shared gap on the real map: the same services against poor mental health and early death alone."""
    several = [
        view.gaps_of(here, Selection(need=need, services=(SERVICES,)), PUBLIC, robustness=0)
        for need in ("mental-health-2025", "early-death-2025", "acute-morbidity-2025,mental-health-2025")
    ]
    cards = [card for gaps in several for card in gaps.cards if card.shared]
    assert cards and all(len(card.authorities) > 1 for card in cards)
    assert all(sum(share.share for share in card.authorities) == pytest.approx(1) for card in cards)


def test_together_is_the_same_on_screen_in_the_api_and_from_the_command(here, asked, get, run):
    want = plain(gap_files.together_document(both.together_of(here, asked, PUBLIC)))
    assert plain(get("together", need=asked.need, services=SERVICES).get_json()) == want
    said = run("together", "--need", asked.need, "--services", SERVICES, "--json")
    assert said.exit_code == 0 and plain(json.loads(said.stdout)) == want
    screen = text_of(answer(here, replace(asked, shared=True), PUBLIC).top)
    assert f"{want['summary']['residents_nearer_elsewhere']:,.0f}" in screen
    assert all(row["sentence"] in screen for row in want["authorities"])


def test_three_new_sites_are_the_same_on_screen_in_the_api_and_from_the_command(here, asked, get, run):
    from dashboard.views.options import OptionsQuery, PlanAsk, sandbox
    from dashboard.views.suggestion import begin, follow

    plan = siting.plan_sites(here, siting.siting_request(here, asked, new=3), PUBLIC)
    found = plan.result.plan
    assert found.proven and found.value >= found.alone.value and len(found.sites) == 3
    want = plain(gate_document(plan.claims, plan.document()))
    assert want["result"]["proven"] is None and "in this sample of 9 sites" in want["sentence"]
    answered = get("sites", need=asked.need, services=SERVICES, new="3")
    document = plain(answered.get_json())
    assert answered.status_code == 200 and document.pop("state") == "done"
    said = run("site", "--need", asked.need, "--services", SERVICES, "--new", 3, "--json")
    assert said.exit_code == 0
    for other in (document, plain(json.loads(said.stdout))):
        assert other == want
    gains = {row["group"]: row["newly_within"] for row in want["by_authority"]}
    # everybody who comes within the standard is counted once, and once only, under their authority
    assert sum(gains.values()) >= want["result"]["value"] > 0
    job = siting.wait(here, siting.start(here, plan.result.request, PUBLIC), PUBLIC)
    assert plain(job.document)["sites"] == want["sites"] and job.state == "done"
    box = sandbox(here, OptionsQuery(asked, PlanAsk(new=3)), PUBLIC)
    shown = begin(box, PlanAsk(new=3), PUBLIC)
    siting.wait(here, shown.job, PUBLIC)
    shown = follow(box, PlanAsk(new=3), shown.job, PUBLIC)
    assert shown.state == "done" and shown.sentence == want["sentence"] and shown.alone == want["alone_sentence"]
    assert [place["name"] for place in shown.places] == [site["name"] for site in want["sites"]]
    assert [row.residents for row in shown.by_authority] == [row["residents"] for row in want["by_authority"]]


def test_an_age_band_shares_the_capacity(here, asked, found, get):
    older = get("gaps", need=asked.need, services=SERVICES, metric="e2sfca", group="residents-65-plus-2020").get_json()
    everyone = get("gaps", need=asked.need, services=SERVICES, metric="e2sfca").get_json()
    one, all_ = (pd.DataFrame(each["areas"]).set_index("code")["access"] for each in (older, everyone))
    assert (one[all_ > 0] > all_[all_ > 0]).all()  # the same capacity among fewer people
    assert (one[all_ == 0] == 0).all()
