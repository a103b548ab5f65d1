"""The structure of the application: ids, callbacks and the browser's functions fit together. No browser is needed.

Dash itself checks none of this on the server: two writers of one output and an id that does not exist raise nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from dashboard import ids
from dashboard.auth.session import current_viewer
from dashboard.components.shell import shell
from dashboard.pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {file.name: file.read_text("utf-8") for file in sorted((ROOT / "assets").glob("*.js"))}
SOURCES = {
    file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in sorted((ROOT / "dashboard").rglob("*.py"))
}
CONSTANTS = {name: value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str)}
NAMES_OF_A_PAGE = {"code": "T01"}


def tree(component):
    """Every component below and with this one."""
    if isinstance(component, (list, tuple)):
        for each in component:
            yield from tree(each)
    elif hasattr(component, "to_plotly_json"):
        yield component
        for name in component._prop_names:
            yield from tree(getattr(component, name, None))
    elif isinstance(component, dict):
        for each in component.values():
            yield from tree(each)


def ids_in(component) -> list:
    return [each.id for each in tree(component) if getattr(each, "id", None) is not None]


def page_layout(published, page, app, query=None):
    names = {name: NAMES_OF_A_PAGE.get(name, "example") for name in re.findall(r"<(\w+)>", page.path)}
    content = page.layout(published, query or {}, current_viewer(), shapes=app.shapes, **names)
    return shell(published, page.path, content)


@pytest.fixture(scope="module")
def dependencies(tiny_app):
    return tiny_app.server.test_client().get("/_dash-dependencies").get_json()


def outputs_of(dependency) -> list[str]:
    """ "..a.x...b.y.." -> ["a.x", "b.y"]; the hash after @ marks what allows several writers."""
    text = dependency["output"]
    return text.strip(".").split("...") if text.startswith("..") else [text]


def written_twice(dependencies) -> list[str]:
    writers = Counter(output.split("@")[0] for dependency in dependencies for output in outputs_of(dependency))
    return [output for output, n in writers.items() if n > 1]


def used_but_absent(dependencies, layout) -> set[str]:
    present = {each for each in ids_in(layout) if isinstance(each, str)}
    used = {output.rsplit(".", 1)[0] for dependency in dependencies for output in outputs_of(dependency)}
    used |= {each["id"] for dependency in dependencies for each in dependency["inputs"] + dependency["state"]}
    return {each for each in used if not each.startswith("{")} - present


def test_the_checks_below_find_what_they_look_for():
    from dash import Dash, Input, Output, dcc, html

    app = Dash("faulty")
    app.layout = html.Div([dcc.Input(id="given"), html.P(id="said")])
    for wrong in ("given", "gvien"):
        app.callback(
            Output("said", "children", allow_duplicate=wrong == "gvien"),
            Input(wrong, "value"),
            prevent_initial_call=True,
        )(str)
    faulty = app.server.test_client().get("/_dash-dependencies").get_json()
    assert written_twice(faulty) == ["said.children"]
    assert used_but_absent(faulty, app.layout) == {"gvien"}
    assert ids_in([app.layout, html.Div(html.P(id="said"))]).count("said") == 2


def test_no_output_has_two_writers(dependencies):
    assert written_twice(dependencies) == []


def test_no_callback_allows_several_writers(dependencies):
    assert [output for dependency in dependencies for output in outputs_of(dependency) if "@" in output] == []


def test_every_id_that_a_callback_uses_exists_on_some_page(tiny_app, dependencies):
    assert used_but_absent(dependencies, tiny_app.validation_layout) == set()


def test_every_property_that_a_callback_uses_is_one_of_its_component(tiny_app, dependencies):
    by_id = {each.id: each for each in tree(tiny_app.validation_layout) if isinstance(getattr(each, "id", None), str)}
    wrong = []
    for dependency in dependencies:
        used = [output.rsplit(".", 1) for output in outputs_of(dependency)]
        used += [(each["id"], each["property"]) for each in dependency["inputs"] + dependency["state"]]
        for name, prop in used:
            component = by_id.get(name)
            if component is None:
                continue
            wild = tuple(getattr(component, "_valid_wildcard_attributes", ()))
            if prop not in component._prop_names and not prop.startswith(wild or ("\0",)):
                wrong.append((name, prop))
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("query", [{}, {"need": "crowded", "area": "T06", "services": "clinics", "nonsense": "1"}])
def test_no_id_stands_twice_on_a_page(tiny, tiny_app, page, query):
    found = [
        each if isinstance(each, str) else json.dumps(each, sort_keys=True)
        for each in ids_in(page_layout(tiny, page, tiny_app, query))
    ]
    assert [name for name, n in Counter(found).items() if n > 1] == []


def test_every_page_has_one_main_to_skip_to(tiny, tiny_app):
    for page in PAGES:
        assert ids_in(page_layout(tiny, page, tiny_app)).count("main") == 1, page.name


def test_the_constants_of_ids_are_unique():
    assert [value for value, n in Counter(CONSTANTS.values()).items() if n > 1] == []


def test_the_constants_of_ids_are_used():
    code = "\n".join(text for name, text in SOURCES.items() if name != "dashboard/ids.py")
    assert [name for name in CONSTANTS if not re.search(rf"\bids\.{name}\b", code)] == []


def test_nobody_types_an_id_of_ids_in_quotes():
    values = set(CONSTANTS.values())
    typed = [
        (name, found)
        for name, text in SOURCES.items()
        if name != "dashboard/ids.py"
        for found in re.findall(r'\bid="([^"]+)"', text)
        if found in values
    ]
    assert typed == []


def test_every_id_that_the_scripts_look_up_exists(tiny, tiny_app):
    # what Dash puts into the page, what the index page carries, and the grid, which comes when the table is opened
    present = {"_dash-config", "question", "explore-start", ids.TABLE}
    for page in PAGES:
        for query in ({}, {"need": "crowded", "area": "T06", "services": "clinics"}):
            present |= {each for each in ids_in(page_layout(tiny, page, tiny_app, query)) if isinstance(each, str)}
    asked = {
        (name, found) for name, text in SCRIPTS.items() for found in re.findall(r"getElementById\('([^']+)'\)", text)
    }
    made = {found for text in SCRIPTS.values() for found in re.findall(r"\.id = '([^']+)'", text)}
    assert {(name, found) for name, found in asked if found not in present | made} == set()


def test_every_clientside_function_exists_in_the_assets(dependencies):
    missing = []
    for dependency in dependencies:
        function = dependency.get("clientside_function")
        if function and not _defined(function["namespace"], function["function_name"]):
            missing.append((function["namespace"], function["function_name"]))
    assert missing == []


def test_every_function_that_a_component_names_exists_in_the_assets(tiny, tiny_app):
    text = json.dumps(
        [page_layout(tiny, page, tiny_app, {"services": "clinics"}) for page in PAGES],
        default=lambda component: component.to_plotly_json(),
    )
    named = set(re.findall(r'"variable": "commonground\.([\w.]+)"', text))
    named |= set(re.findall(r'"(?:function": ")?commonground\.(\w+)\(', text))
    assert named  # the map and the table name some
    scripts = "\n".join(SCRIPTS.values())
    missing = [name for name in named if not re.search(rf"\b{name.rsplit('.', 1)[-1]}\b\s*(?:[,}}:(]|=)", scripts)]
    assert missing == []


def _defined(namespace: str, name: str) -> bool:
    """Whether some script puts ``name`` under ``window.dash_clientside.<namespace>`` and defines it."""
    return any(
        re.search(rf"\b{namespace}\s*[:=].*?\b{name}\b", text, re.S)
        and re.search(rf"function {name}\b|\b{name}\s*(?:=|:|\()", text)
        for text in SCRIPTS.values()
    )


def test_no_script_replaces_the_shared_globals():
    for name, text in SCRIPTS.items():
        for line in text.splitlines():
            if re.match(r"\s*window\.(commonground|dash_clientside)\s*=", line):
                assert "Object.assign(" in line or "|| {}" in line, f"{name}: {line.strip()}"


def test_views_import_no_dash_and_the_dashboard_only_the_front_door():
    for name, text in SOURCES.items():
        assert not re.search(r"^\s*(?:from|import) layers\.", text, re.M), f"{name} goes round the front door"
        if name.startswith("dashboard/views/"):
            assert not re.search(r"^\s*(?:from|import) (?:dash\b|dash_|flask|plotly)", text, re.M), name
