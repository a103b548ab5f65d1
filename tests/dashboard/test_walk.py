"""Every route, page, callback and command, as everybody: read from the application's own lists, so that what is added is walked.

Westshire has layers and briefings for the partners only and for itself only, withdrawn ones, one that was public once and one that
waits for its date. Whoever may not see one must find no trace of it in any answer, and each address, callback and command that is
asked for it must answer as for one that does not exist. The parameters of routes and commands are filled by name (:data:`FILL`); a
name that is not known there fails with what to do.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import click
import pytest
from click.testing import CliRunner

from dashboard import question
from dashboard.app import create_app
from dashboard.briefings.files.formats import FORMATS
from dashboard.briefings.sources import short_code
from dashboard.cli import main
from dashboard.exports import FORMATS as EXPORTS
from dashboard.exports import formats_of
from dashboard.pages import PAGES
from dashboard.published import Published
from layers import LEVELS, SYSTEM, Briefings, Drafts, Refused, load_region, open_store, write_package
from layers.store import tables
from layers.store.permissions import ROLES
from layers.store.taken import IDS as TRIES
from tests.dashboard.test_audience import callback, callbacks, layout, text_of
from tests.databases import database_url
from tests.layers.store_fixtures import indicator, sites
from tests.tiny import write_tiny_pack

LATER = datetime(2099, 1, 1, tzinfo=UTC)
OWNER, OTHER, LEADING = "westshire", "eastshire", "icb"


@dataclass(frozen=True)
class Secret:
    """``kind``: layer, briefing, draft or briefing-draft. ``audience``: partners, owner, or editors: those who may change it."""

    kind: str
    id: str
    audience: str
    traces: tuple[str, ...]  # what must not stand in an answer to somebody who may not see it


def layer(name: str, audience: str, *more: str) -> Secret:
    return Secret("layer", name, audience, (name, *more))


LAYERS = (
    layer("shared-beds", "partners", "Quincebeds", "31017", "31,017"),
    layer("shared-hubs", "partners", "Quincehubs", "Medlar hub"),
    layer("own-debt", "owner", "Bullacedebt", "32017", "32,017"),
    layer("own-refuge", "owner", "Bullacerefuge", "Damson house"),
    layer("own-turned", "owner", "Bullaceturned", "34017", "34,017"),
    layer("own-gone", "owner", "Bullacegone", "Sloe reason"),
    layer("soon-shown", "editors", "Wildingsoon", "36017", "36,017"),
)
BRIEFINGS = (
    Secret("briefing", "shared-plan", "partners", ("shared-plan", "Costardplan", "Costardwords", "Costardnotes")),
    Secret("briefing", "own-plan", "owner", ("own-plan", "Pippinplan", "Pippinwords", "Pippinnotes")),
    Secret("briefing", "plan-gone", "owner", ("plan-gone", "Russetplan", "Russetwords", "Russetnotes", "Crab reason")),
)
NOTES = {"shared-plan": "Costardnotes", "own-plan": "Pippinnotes"}
TWINS = {
    "layer": "absent-layer",
    "briefing": "absent-plan",
    "draft": "0123456789abcdef",
    "briefing-draft": "fedcba9876543210",
}
"""Of each kind one that does not exist."""

BRIEFING = """---
title: {stem}plan
partner: westshire
audience: {audience}
view: need=harm&level=lsoa
---
# {stem}words {{{{ region.residents }}}}

```exhibit
map
view: need=harm&level=lsoa
```

```notes
{stem}notes
```
"""


# ---- who asks --------------------------------------------------------------------------------------------------------

PEOPLE: dict[str, tuple[str, str] | None] = {"public": None, "signed-out": None}
PEOPLE |= {f"{role}-{place}": (role, place) for role in ROLES if role != "admin" for place in (OTHER, OWNER)}
PEOPLE["admin"] = ("admin", LEADING)


def may_see(person: str, secret: Secret) -> bool:
    """The rule, said a second time."""
    if (place := PEOPLE[person]) is None:
        return False
    role, partner = place
    if role == "admin":
        return True
    if secret.audience == "editors":
        return role in ("analyst", "lead") and partner == OWNER
    return secret.audience == "partners" or partner == OWNER


def may_edit(person: str) -> bool:
    return person == "admin" or (PEOPLE[person] is not None and PEOPLE[person] in (("analyst", OWNER), ("lead", OWNER)))


# ---- the world -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    home = tmp_path_factory.mktemp("walk")
    region = load_region(write_tiny_pack(home / "tiny"))
    store = open_store(database_url(home / "store-tiny.sqlite"), region)
    for name, place in PEOPLE.items():
        if place:
            store.accounts.add_user(name, role=place[0], partner=place[1], by=SYSTEM)
    store.accounts.add_user("wes", role="analyst", partner=OWNER, by=SYSTEM)
    wes = store.accounts.viewer_named("wes")
    first, second = [("S1", "Medlar hub", 420_500.0, 560_500.0)], [("S1", "Damson house", 421_500.0, 560_500.0)]
    for package in (
        indicator("shared-beds", title="Quincebeds", audience="partners", first=31_017.0),
        sites("shared-hubs", title="Quincehubs", audience="partners", rows=first),
        indicator("own-debt", title="Bullacedebt", audience="owner", first=32_017.0),
        sites("own-refuge", title="Bullacerefuge", audience="owner", rows=second),
        indicator("own-turned", title="Once open", first=33_000.0),  # public, in its first version
        indicator("own-turned", title="Bullaceturned", audience="owner", first=34_017.0),
        indicator("own-gone", title="Bullacegone", audience="owner", first=35_000.0),
    ):
        store.publish(package, by=wes)
    store.withdraw("own-gone", by=wes, reason="Sloe reason")
    store.publish(indicator("soon-shown", title="Wildingsoon", first=36_017.0), by=wes, at=LATER)
    held = Briefings(store)
    for secret, stem in zip(BRIEFINGS, ("Costard", "Pippin", "Russet"), strict=True):
        text = BRIEFING.format(stem=stem, audience=secret.audience)
        held.publish(text=text, by=wes, pins={}, facts={}, briefing_id=secret.id)
    held.withdraw("plan-gone", by=wes, reason="Crab reason")
    yield Published(region, store, home)
    store.close()


@pytest.fixture(scope="module")
def drafts(here) -> tuple[Secret, ...]:
    wes = here.store.accounts.viewer_named("wes")
    of_layer = Drafts(here.store).add(by=wes, filename="Bramleyfile.csv", size=1, file_sha256="0" * 64, answers={})
    text = BRIEFING.format(stem="Discovery", audience="partners")
    of_briefing = Briefings(here.store).drafts.begin(wes, text)
    return (
        Secret("draft", of_layer.id, "editors", (of_layer.id, "Bramleyfile")),
        Secret(
            "briefing-draft",
            of_briefing.id,
            "editors",
            (of_briefing.id, "Discoveryplan", "Discoverywords", "Discoverynotes"),
        ),
    )


@pytest.fixture(scope="module")
def secrets(drafts) -> tuple[Secret, ...]:
    return (*LAYERS, *BRIEFINGS, *drafts)


@pytest.fixture(scope="module")
def app(here):
    return create_app(here, "a key for the tests only")


@pytest.fixture(scope="module")
def browsers(app, here):
    made = {}
    for name, place in PEOPLE.items():
        made[name] = app.server.test_client()
        if place:
            made[name].set_cookie("commonground", here.store.accounts.start_session(name))
    token = here.store.accounts.start_session("wes")
    here.store.accounts.sign_out(token)
    made["signed-out"].set_cookie("commonground", token)
    return made


# ---- what can be asked -----------------------------------------------------------------------------------------------

FILL = {
    "level": list(LEVELS), "code": ["T01", "TW1", "TA"], "community": ["T01"], "postcode": ["NE1 4ST"], "name": ["file"], "number": ["1"],
    "picture_id": ["0" * 20], "format_": [*FORMATS, "svg"], "form": sorted(EXPORTS), "rest": ["nowhere"],
    "job_id": ["0" * 32],
    "path": [],  # every other address: the pages of Dash, walked as :data:`dashboard.pages.PAGES` lists them
}  # fmt: skip
"""What a part of an address may be that is no id of a secret."""

IDS = {"layer_id": "layer", "briefing_id": "briefing"}
FILES = (
    "/static/",
    "/assets/",
    "/_dash-component-suites/",
    "/_favicon.ico",
    "/_reload-hash",
    "/_dash-update-component",
)
"""Files that are the same for everybody; the callbacks' own address is asked below."""


def rules(app, method: str) -> list[str]:
    found = [rule for rule in app.server.url_map.iter_rules() if method in rule.methods]
    return sorted({rule.rule for rule in found if not rule.rule.startswith(FILES) and "_dash-layout" not in rule.rule})


def addresses(app, here, kind: str, one: str, method: str = "GET") -> list[str]:
    """Every address with ``one`` of a kind in it, in the path or in the question."""
    found = []
    for rule in rules(app, method):
        names = re.findall(r"<(?:\w+:)?(\w+)>", rule)
        takes = {name for name in names if _kind_of(name, rule) == kind}
        choices = []
        for name in names:
            if name in takes:
                choices.append([short_code(here, one)] if name == "code" else [one])
            elif _kind_of(name, rule):
                choices.append([])  # of another kind: asked with those
            else:
                assert name in FILL, f"say in FILL or IDS what <{name}> of {rule} may be"
                choices.append(FILL[name])
        for values in itertools.product(*choices):
            path = rule
            for name, value in zip(names, values, strict=True):
                path = re.sub(rf"<(?:\w+:)?{name}>", value, path)
            found += [path] if takes else [f"{path}?{query}" for query in questions(kind, one, rule)]
    if kind == "layer" and method == "GET":
        for page in PAGES:
            path = re.sub(r"<(\w+)>", lambda name: FILL[name[1]][0], page.path)
            found += [f"{path}?{query}" for query in questions(kind, one, "pages")]
    return list(dict.fromkeys(found))


def _kind_of(name: str, rule: str) -> str:
    if name == "draft_id":
        return "briefing-draft" if rule.startswith("/briefings") else "draft"
    return "briefing" if rule.startswith("/b/") else IDS.get(name, "")


ASKERS = {
    "/api/v1/gaps": (question.GAPS, "gaps"),
    "/api/v1/together": (question.TOGETHER, "together"),
    "/api/v1/sites": (question.SITES, "plan"),
}
"""Addresses that refuse what they do not know: they are asked what their rows say, in every format that they offer."""


def questions(kind: str, one: str, rule: str) -> list[str]:
    """Queries in which a layer may stand: every field of the question that takes layers, one at a time, whatever is shown."""
    if kind != "layer" or rule.startswith(("/publish", "/sign-", "/static", "/healthz", "/readyz")):
        return [f"from={one}"] if kind == "briefing" and rule == "/briefings/edit" else []
    if rule == "/briefings/pin":
        return [f"view=need%3D{one}", f"view=services%3D{one}%26need%3Dharm%26show%3Dgap"]
    of_need = {"need": one, "services": "clinics", "level": "lsoa", "robustness": "0", "new": "1"}
    of_services = {"need": "harm", "services": one, "robustness": "0", "new": "1"}
    out = [of_need, of_services]
    if rule in ASKERS:
        who, document = ASKERS[rule]
        known = {row.name for row in question.fields_of(who)}
        out = [{name: asked[name] for name in asked if name in known} for asked in out]
        out = [asked | {"format": form} for asked in out for form in formats_of(document, in_api=True)]
    elif rule.startswith("/data/"):
        out += [asked | {"show": shown} for asked in out for shown in ("access", "gap")]
    return ["&".join(f"{name}={value}" for name, value in asked.items()) for asked in out]


def bare(app) -> list[str]:
    """Every address without a secret's id: with the pack's public ones where one is needed."""
    out = []
    for rule in rules(app, "GET"):
        names = re.findall(r"<(?:\w+:)?(\w+)>", rule)
        if "draft_id" in names or rule.startswith("/b/"):
            continue
        known = {"layer_id": ["harm", "clinics"], "briefing_id": ["shared-gaps", "ward-TW1"]}
        for values in itertools.product(*(known.get(name, FILL.get(name, [])) for name in names)):
            path = rule
            for name, value in zip(names, values, strict=True):
                path = re.sub(rf"<(?:\w+:)?{name}>", value, path)
            out.append(path)
    return out + [f"{path}?{query}" for path in out for query in filters(app, path)]


def filters(app, path: str) -> list[str]:
    """What narrows an answer down, each value of each: a filter is another way to what it leaves out."""
    region = app.published.region
    given = {
        "kind": ["indicator", "services"],
        "theme": [theme.id for theme in region.themes],
        "partner": [partner.id for partner in region.partners],
    }
    narrow = path.startswith(("/api/v1/layers", "/api/v1/areas/lad/", "/data/", "/briefings")) and path.count("/") < 6
    return [f"{name}={value}" for name in given for value in given[name]] if narrow and "/files/" not in path else []


A_NEW_DRAFT = r"/briefings/edit/[0-9a-f]{16}"


def words(answer) -> str:
    return re.sub(rf"\?m=\d+|\d\d:\d\d:\d\d|{A_NEW_DRAFT}", "", text_of(answer))


def leaks(person: str, where: str, text: str, secrets, but: Secret | None = None) -> list[str]:
    return [
        f"{person}, {where}: {trace}"
        for secret in secrets
        if not may_see(person, secret)
        for trace in secret.traces
        if trace in text and not (but is not None and trace == but.id)
    ]


# ---- no trace --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", PEOPLE)
def test_no_answer_about_anything_else_holds_a_trace(app, browsers, secrets, person):
    browser, found = browsers[person], []
    for path in bare(app):
        found += leaks(person, path, words(browser.get(path)), secrets)
    for page in PAGES:
        path = re.sub(r"<(\w+)>", lambda name: FILL[name[1]][0], page.path)
        for query in ("", *(f"?{narrow}" for narrow in filters(app, "/data/")), "?need=harm&services=clinics&show=gap"):
            found += leaks(person, f"layout of {path}{query}", layout(browser, path + query).text, secrets)
    for output, answer in asked_callbacks(browser, "harm").items():
        found += leaks(person, f"callback {output}", answer[1], secrets)
    for typed in ("Quince", "Bullace", "Wilding", "Medlar", "Damson", "hub"):
        search = [{"id": "search", "property": "searchValue", "value": typed}]
        found += leaks(person, f"search {typed}", callback(browser, "search.data", search).text, secrets)
    assert not found, "\n".join(found)


def test_the_walk_would_find_a_leak(app, browsers, secrets):
    """Those who may see them do, by the same walk."""
    browser = browsers["admin"]
    everything = "".join(words(browser.get(path)) for path in bare(app))
    everything += "".join(layout(browser, path).text for path in ("/", "/catalogue"))
    for secret in secrets:
        if secret.id not in ("own-gone", "soon-shown", "plan-gone"):
            assert secret.traces[1] in everything, secret
    assert len(bare(app)) > 60 and len(asked_callbacks(browser, "harm")) > 10


# ---- as if it did not exist ------------------------------------------------------------------------------------------


def hidden_from(person: str, secrets) -> list[Secret]:
    return [secret for secret in secrets if not may_see(person, secret)]


def same(one, other, secret: Secret, twin: str, codes: tuple[str, ...]) -> bool:
    unimportant = {"Date", "ETag", "Content-Length"}
    texts, heads = [], []
    for answer in (one, other):
        text = words(answer)
        head = json.dumps(
            sorted((n, v) for n, v in answer.headers.items() if n not in unimportant and n != "Set-Cookie")
        )
        head = re.sub(A_NEW_DRAFT, "", head)
        for name in (secret.id, twin, *codes):
            text, head = text.replace(name, "ID"), head.replace(name, "ID")
        texts.append(text)
        heads.append(head)
    return one.status_code == other.status_code and texts[0] == texts[1] and heads[0] == heads[1]


@pytest.mark.parametrize("person", PEOPLE)
def test_each_address_answers_for_a_hidden_one_as_for_an_absent_one(app, here, browsers, secrets, person):
    browser, found = browsers[person], []
    absent: dict[str, list] = {}
    for secret in hidden_from(person, secrets):
        twin = TWINS[secret.kind]
        codes = (short_code(here, secret.id), short_code(here, twin))
        if secret.kind not in absent:
            absent[secret.kind] = [browser.get(path) for path in addresses(app, here, secret.kind, twin)]
        paths = addresses(app, here, secret.kind, secret.id)
        assert len(paths) >= 5, secret
        for path, other in zip(paths, absent[secret.kind], strict=True):
            answer = browser.get(path)
            found += [] if same(answer, other, secret, twin, codes) else [f"{path} is not answered as for {twin}"]
            found += leaks(person, path, words(answer), secrets, but=secret)
        for page in PAGES if secret.kind == "layer" else ():
            path = re.sub(r"<(\w+)>", lambda name: FILL[name[1]][0], page.path)
            for query, like in zip(questions("layer", secret.id, ""), questions("layer", twin, ""), strict=True):
                one, other = (layout(browser, f"{path}?{asked}") for asked in (query, like))
                found += [] if same(one, other, secret, twin, codes) else [f"layout of {path}?{query} differs"]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("person", PEOPLE)
def test_nothing_can_be_done_to_a_hidden_one(app, here, browsers, secrets, person):
    """Every form, filled with its id wherever one may stand."""
    browser, found = browsers[person], []
    for secret in hidden_from(person, secrets):
        twin = TWINS[secret.kind]
        for path, like in zip(
            *(addresses(app, here, secret.kind, one, "POST") for one in (secret.id, twin)), strict=True
        ):
            answers = []
            for at, one in ((path, secret.id), (like, twin)):
                names = ("from", "layer", "layer_id", "briefing_id", "need", "services", "asked_of")
                form = dict.fromkeys(names, one) | {
                    "view": f"need={one}",
                    "reason": "Why not",
                    "to": "1",
                    "revision": "1",
                }
                answers.append(browser.post(at, data=form))
            if not same(*answers, secret, twin, ()):
                found.append(f"{path} is not answered as {like}")
            found += leaks(person, path, words(answers[0]), secrets, but=secret)
    assert not found, "\n".join(found)
    assert here.store.accounts.viewer_of(session_of(browser)).signed_in == (PEOPLE[person] is not None)  # to the end


def session_of(browser) -> str:
    cookie = browser.get_cookie("commonground")
    return cookie.value if cookie else ""


def asked_callbacks(browser, one: str) -> dict[str, tuple[int, str]]:
    """Every callback of the application, with an id wherever one may stand, once no plan is being worked out any more."""
    chosen = {"need": one, "services": [one], "level": "lsoa", "area": "T01"}
    special = {
        "table.getRowsRequest": {"startRow": 0, "endRow": 100, "sortModel": [], "filterModel": {}},
        "options-state": {"need": one, "services": f"clinics,{one}", "new": "1", "options": "A:xS1"},
        "options-asked": {"do": "open", "at": [54.9, -1.6]},
        "location.pathname": "/catalogue", "location.search": f"?q={one}", "route": "/elsewhere",
        "selection": chosen, "history-selection": chosen, "shown-area": chosen, "shown-services": {"services": [one]},
    }  # fmt: skip

    def given(each: dict) -> dict:
        value = special.get(f"{each['id']}.{each['property']}", special.get(each["id"], one))
        return {"id": each["id"], "property": each["property"], "value": value}

    for _ in range(200):
        found = {}
        for each in callbacks(browser):
            if "{" not in each["output"]:  # of a family of components: none takes a layer
                inputs, state = [given(i) for i in each["inputs"]], [given(s) for s in each["state"]]
                answer = callback(browser, each["output"], inputs, state)
                found[each["output"]] = (answer.status_code, answer.text)
        if not any('"plan-tick":{"disabled":false}' in text for _, text in found.values()):
            return found
    raise AssertionError("a plan never ended")


@pytest.mark.parametrize("person", PEOPLE)
def test_callbacks_cannot_tell_them_apart(browsers, secrets, person):
    browser, found, absent = browsers[person], [], None
    for secret in hidden_from(person, [one for one in secrets if one.kind == "layer"]):
        absent = asked_callbacks(browser, TWINS["layer"]) if absent is None else absent
        for output, (status, text) in asked_callbacks(browser, secret.id).items():
            if (status, text.replace(secret.id, "ID")) != (
                absent[output][0],
                absent[output][1].replace(TWINS["layer"], "ID"),
            ):
                found.append(f"{output} tells {secret.id} from one that is not there")
            found += leaks(person, output, text, secrets, but=secret)
    assert not found, "\n".join(found)


# ---- commands --------------------------------------------------------------------------------------------------------

ARGUMENTS = {
    "layer": "{layer}", "layer_id": "{layer}", "briefing_id": "{briefing}", "level": "lsoa", "reason": "Because", "version": "1",
    "new": "1", "robustness": "0", "table_id": "walked", "title": "Walked", "authority": "", "days": "100",
}  # fmt: skip
"""What a command's parameters are, by name; ``need`` and ``services`` are asked one at a time."""
NOT_WALKED = {
    "serve": "answers nothing", "region build": "reads files of its own", "region show": "says what the pack holds",
    "check": "is of the whole store, for who runs the machine",
    "layers count": "reads records of whoever runs it, and no store",
    "travel add": "changes the pack", "travel list": "is of the pack", "user": "is for who runs the machine",
    "backup": "is of the whole store", "restore": "is of the whole store",
}  # fmt: skip
PUBLISHING = {"layers publish": (["--expecting", "7"], ["--append"]), "briefing publish": (["--expecting", "7"],)}
"""Whoever publishes under a free id has published; so these are asked with what stops them short of it. What is refused in the end, and
how often, is asked in :func:`test_an_id_that_is_hidden_is_refused_last_seldom_and_in_sight_of_its_owner`."""


def file_of(kind: str, one: str, person: str, tmp) -> str:
    """What somebody would publish under an id."""
    partner = PEOPLE[person][1] if PEOPLE[person] else OTHER
    place = tmp / f"{person}-{kind}" / (one or "harm")
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        if kind == "briefing":
            place.write_text(f"---\ntitle: Mine\npartner: {partner}\naudience: owner\n---\n# Mine\n\nWords.\n", "utf-8")
        else:
            same_size = "Mine".ljust(40 - len(one), "x")
            write_package(indicator(one or "harm", title=same_size, partner=partner), place)
    return str(place)


WALKED_FOR = ("layer", "layer_id", "briefing_id", "need", "services")


def commands(group: click.Group, *above: str):
    for name, command in group.commands.items():
        path = (*above, name)
        if {" ".join(path), path[0]} & NOT_WALKED.keys():
            continue
        if isinstance(command, click.Group):
            yield from commands(command, *path)
        elif {"user", *WALKED_FOR} & {param.name for param in command.params}:
            yield path, command  # the others are for who runs the machine, or read files of their own


def lines(command: click.Command, path: tuple[str, ...], person: str, kind: str, one: str, tmp) -> list[list[str]]:
    """The command lines of one command that name ``one``, as a person."""
    names = {param.name: param for param in command.params}
    wanted = [
        name
        for name in (("layer", "layer_id", "need", "services", "package") if kind == "layer" else ("briefing_id",))
        if name in names
    ]
    signed_in = PEOPLE[person] is not None
    if not signed_in and ((names.get("user") is not None and names["user"].required) or path[0] == "audit"):
        return []  # nobody's name left out is who runs the machine
    out = []
    for holds in wanted or [None]:
        words = list(path)
        for name, param in names.items():
            flag = [] if isinstance(param, click.Argument) else [max(param.opts, key=len)]
            if name in ("package", "file"):
                of = "layer" if name == "package" else "briefing"
                words += [*flag, file_of(of, one if of == kind else "", person, tmp)]
            elif name == holds:
                words += [*flag, one]
            elif name == "user":
                words += [*flag, person] if signed_in else []
            elif name in ("need", "services"):
                words += [*flag, {"need": "harm", "services": "clinics"}[name]]
            elif name == "out" and kind == "briefing":
                words += [*flag, str(tmp / "walked.html")]
            elif name in ARGUMENTS and ARGUMENTS[name] and (param.required or name == "robustness"):
                words += [*flag, ARGUMENTS[name].format(layer="harm", briefing="shared-gaps")]
            else:
                assert not param.required or name == "out", f"say in ARGUMENTS what {name} of `{' '.join(path)}` is"
        for more in PUBLISHING.get(" ".join(path), ([],)):
            out.append([*words, *more])
            if "as_json" in names:
                out.append([*words, *more, "--json"])
    return out


@pytest.fixture(scope="module")
def run(here):
    """A command in this process, over the store that is open already."""
    import importlib
    import pkgutil

    from dashboard import cli
    from dashboard import commands as room

    with pytest.MonkeyPatch.context() as patch:
        modules = [
            cli,
            *(importlib.import_module(f"{room.__name__}.{one.name}") for one in pkgutil.iter_modules(room.__path__)),
        ]
        for module in modules:
            if hasattr(module, "published"):
                patch.setattr(module, "published", lambda **_: here)
            if hasattr(module, "here_region"):
                patch.setattr(module, "here_region", lambda **_: here.region)
        yield lambda words: CliRunner().invoke(main, words)


def plain(text: str, one: str) -> str:
    """Without the id, and without what is of the file that was handed in and of the moment."""
    text = re.sub(r'"sha256": "[0-9a-f]{64}"|\d\d:\d\d:\d\d|^ *\d+  (?=\d{4}-)|"line": \d+', "", text, flags=re.M)
    return text.replace("x" * (36 - len(one)), "").replace(one, "ID")


@pytest.mark.parametrize("person", PEOPLE)
def test_each_command_answers_for_a_hidden_one_as_for_an_absent_one(run, secrets, person, tmp_path):
    found, asked = [], 0
    for path, command in commands(main):
        absent: dict[str, list] = {}
        for secret in hidden_from(person, [one for one in secrets if one.kind in ("layer", "briefing")]):
            twin = TWINS[secret.kind]
            if secret.kind not in absent:
                absent[secret.kind] = [
                    run(words) for words in lines(command, path, person, secret.kind, twin, tmp_path)
                ]
            for words, other in zip(
                lines(command, path, person, secret.kind, secret.id, tmp_path), absent[secret.kind], strict=True
            ):
                if not any(secret.id in word for word in words):
                    continue
                asked += 1
                one = run(words)
                said = [
                    (r.exit_code, plain(r.stdout, i), plain(r.stderr, i)) for r, i in ((one, secret.id), (other, twin))
                ]
                found += [] if said[0] == said[1] else [f"{' '.join(words)}: {said[0]} is not {said[1]}"[:1500]]
                found += leaks(person, " ".join(words), one.output, secrets, but=secret)
    assert not found, "\n".join(found)
    assert asked >= 20 or not hidden_from(person, secrets) or may_see(person, LAYERS[2])


def test_an_id_that_is_hidden_is_refused_last_seldom_and_in_sight_of_its_owner(run, here, tmp_path):
    """The one sentence for an id that cannot be had; everything else that can be wrong comes first, as if it were free."""
    person, wes = f"analyst-{OTHER}", here.store.accounts.viewer_named("wes")
    eve = here.store.accounts.viewer_named(person)

    def publish(kind: str, one: str, *more: str):
        named = ["--id", one] if kind == "briefing" else []
        group = "layers" if kind == "layer" else "briefing"
        return run([group, "publish", file_of(kind, one, person, tmp_path), "--by", person, *named, *more])

    said = set()
    for kind, one in (("layer", "own-debt"), ("briefing", "own-plan"), ("layer", "own-refuge")):
        assert publish(kind, one, "--expecting", "7").output.replace(one, "ID") == publish(
            kind, TWINS[kind], "--expecting", "7"
        ).output.replace(TWINS[kind], "ID")
        refused = publish(kind, one)
        assert refused.exit_code == 1
        said.add((kind, refused.output.replace(one, "ID")))
    assert len(said) == 2  # a sentence for each kind, whichever it is
    visible = publish("layer", "shared-beds").output.replace("shared-beds", "ID")
    assert ("layer", visible) in said  # and for what they can see is somebody else's
    lines = here.store.audit(wes, limit=50)
    assert {(line.action, line.by) for line in lines if line.thing_id == "own-debt"} >= {("publish-refused", person)}
    # and after a few, nothing that is new to them, free or not, until an hour later
    for _ in range(TRIES.holds):
        publish("layer", "own-debt")
    answers = {publish("layer", one).output.replace(one, "ID") for one in ("own-debt", "own-turned", "absent-layer")}
    answers |= {publish("layer", "own-debt", "--expecting", "7").output.replace("own-debt", "ID")}
    assert len(answers) == 1 and "tried several ids" in answers.pop()
    with pytest.raises(Refused, match="tried several ids"):
        here.store.publish(indicator("quite-new", partner=OTHER), by=eve)
    with here.store.writing(bump=False) as connection:
        connection.execute(tables.failures.delete())


def without_own_tries(text: str, person: str) -> str:
    """The audit trail less what this person was refused themselves, in the tests above."""
    if text.startswith('{\n "lines"'):
        said = json.loads(text)
        said["lines"] = [one for one in said["lines"] if one["by"] != person or not one["action"].endswith("-refused")]
        return json.dumps(said)
    return "\n".join(line for line in text.split("\n") if not re.search(rf" {person} .*-refused ", line))


@pytest.mark.parametrize("person", PEOPLE)
def test_no_list_by_command_holds_a_trace(run, secrets, person, tmp_path):
    found = []
    for path, command in commands(main):
        for words in lines(command, path, person, "", "", tmp_path):
            if words[1:2] == ["export"] or " ".join(path) in PUBLISHING:
                continue  # of one, above
            found += leaks(person, " ".join(words), without_own_tries(run(words).output, person), secrets)
    assert not found, "\n".join(found)


# ---- notes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", PEOPLE)
def test_notes_are_for_those_who_may_edit(app, here, browsers, person):
    for briefing_id, words_ in NOTES.items():
        for path in addresses(app, here, "briefing", briefing_id):
            assert words_ not in words(browsers[person].get(path)) or may_edit(person), path
