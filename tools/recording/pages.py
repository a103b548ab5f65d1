"""Every page as a reader first gets it, and every answer of the server to what they do there."""

from __future__ import annotations

import io
import json
import re
import time
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

from recording.normal import Folder, dash_lines, json_text
from recording.web import ask
from recording.world import MAP_POINT, World, components, layout_of, sign_in

PEOPLE = ("", "ann", "vic")


def record(world: World, folder: Folder, whole: bool) -> None:
    world.home("pages")
    server = world.server()
    client, ann = server.test_client(), sign_in(server, "ann")
    for address in explore(world, whole):
        dash_page(client, folder, f"/?{address}" if address else "/")
    for address in others(world, client, whole):
        dash_page(client, folder, address)
    for address in ("/", "/?need=record-owner", "/catalogue", f"/areas/{world.facts['areas']['lad'][0]}", "/options"):
        dash_page(ann, folder, address, "ann")
    config = next(e for e in components(layout_of(client, "/").get_json()) if e["props"].get("id") == "explore-config")
    folder.write("data of the explore page", json_text(config["props"]["data"], most=10**7))
    folder.write("callbacks", json_text(dependencies(client)))
    callbacks(world, client, folder, whole)
    for who in PEOPLE:
        person = sign_in(server, who)
        for address in plain(world, person, who, whole):
            ask(person, folder, address, who)
    signing_in(server, folder)
    wizard(world, server, folder)
    editor(world, server, folder)


# ---- pages that Dash draws -------------------------------------------------------------------------------------------


def dash_page(client, folder: Folder, address: str, who: str = "") -> None:
    ask(client, folder, address, who, name=f"{who} page {address}".strip())
    response = layout_of(client, address)
    lines = [f"layout of {address}", f"status {response.status_code}"]
    lines += dash_lines(response.get_json()) if response.status_code == 200 else [response.text]
    folder.write(f"{who} layout {address}".strip(), "\n".join(lines))


def explore(world: World, whole: bool):
    facts = world.facts
    asked = urlencode({"need": facts["need"], "services": facts["services"]}, safe=",=")
    one = facts["indicators"][0]
    yield from (
        "",
        asked,
        f"need={one}",
        f"services={facts['services']}",
        "need=none",
        f"need=none&services={facts['lists'][0]}",
    )
    yield from (
        "need=absent&level=street&classes=9&theme=x&x=1",
        "need=record-owner",
        "need=record-gone",
        "need=record-noise",
    )
    yield "need=record-noise&period=2025"
    for show in ("access", "gap"):
        for metric in ("nearest", "coverage", "e2sfca"):
            yield f"{asked}&show={show}&metric={metric}"
            yield f"{asked}&show={show}&metric={metric}&level=ward&alone=yes&detour=1.2"
    gap = f"{asked}&show=gap"
    for more in ("overlays=near,vanish,moran,hot,rings", "shared=yes", "fair=yes", "fair=yes&max_min=12.5",
                 "travel=bus&max_min=30", "level=lad",
                 "max_m=2000", f"partner={facts['partners'][0]}&bands=partner", f"area={facts['areas']['lsoa'][5]}"):  # fmt: skip
        yield f"{gap}&{more}"
    for indicator in facts["indicators"][:: 3 if whole else 12]:
        yield f"need={indicator}&level=ward"
    for scheme in ("equal", "jenks"):
        yield f"need={one}&scheme={scheme}&classes=7"
    for level in ("lsoa", "ward", "lad"):
        yield f"need={one}&level={level}&area={facts['areas'][level][3]}&services={facts['services']}"
    yield f"need={one}&bands=national&at=54.97,-1.61,12"
    for theme in facts["themes"][: 20 if whole else 2]:
        yield f"theme={theme}"
    for partner in facts["partners"][:: 3 if whole else 9]:
        yield f"partner={partner}&owner={partner}"


def others(world: World, client, whole: bool):
    facts = world.facts
    yield from (
        "/methods",
        "/accessibility",
        "/catalogue",
        "/catalogue?q=alcohol",
        "/catalogue?q=zzz",
        "/nothing",
        "/areas/absent",
    )
    yield "/areas/" + quote("<script>")
    for level, step in (("lsoa", 300), ("ward", 60), ("lad", 2)):
        for code in facts["areas"][level][1::step]:
            yield f"/areas/{code}"
    yield f"/areas/{facts['areas']['ward'][2]}?theme={facts['themes'][0]}&need={facts['indicators'][0]}"
    asked = urlencode({"need": facts["need"], "services": facts["services"]}, safe=",=")
    for question in (asked, f"{asked}&metric=e2sfca&level=ward", f"{asked}&travel=bus"):
        found = client.get(f"/api/v1/gaps?{question}").get_json().get("communities", [])
        for community in found[: 4 if question == asked else 1]:
            yield f"/communities/{community['id']}?{question}"
            yield f"/communities/{community['id']}?{question}&site=best"
    yield from (f"/communities/absent?{asked}", "/communities/absent", f"/communities/absent?need=absent&{asked}")
    site = facts["sites"][0]
    options = f"A~First:o425000-565000,x{quote(site, safe='')};B:o430000-560000;C~Odd:z1"
    for query in ("", asked, f"{asked}&options={options}&option=B", f"{asked}&metric=e2sfca&options=A:c{site}-3", "need=none",
                  f"{asked}&new=2&objective=mclp&demand=all&exclude={facts['areas']['lad'][0]}", f"{asked}&new=99&objective=x",
                  f"{asked}&travel=bus"):  # fmt: skip
        yield f"/options?{query}" if query else "/options"


# ---- answers of callbacks --------------------------------------------------------------------------------------------


def dependencies(client) -> list[dict]:
    return [
        {"output": each["output"], "inputs": each["inputs"], "state": each["state"], "initial": not each["prevent_initial_call"],
         "in the browser": bool(each.get("clientside_function"))}
        for each in client.get("/_dash-dependencies").get_json()
    ]  # fmt: skip


def call(client, wanted: dict, values: dict[str, Any], trigger: str) -> Any:
    """POST one callback with the values of "id.property"; the answer as JSON, or its status where there is none."""
    outputs = [
        dict(zip(("id", "property"), out.rsplit(".", 1), strict=True))
        for out in wanted["output"].strip(".").split("...")
    ]

    def given(parts):
        return [{**part, "value": values.get(f"{part['id']}.{part['property']}")} for part in parts]

    body = {
        "output": wanted["output"], "outputs": outputs if wanted["output"].startswith("..") else outputs[0],
        "inputs": given(wanted["inputs"]), "state": given(wanted["state"]), "changedPropIds": [trigger],
    }  # fmt: skip
    response = client.post("/_dash-update-component", json=body)
    return response.get_json().get("response") if response.status_code == 200 else {"status": response.status_code}


def said(answer: Any) -> str:
    if not isinstance(answer, dict):
        return json_text(answer)
    lines = []
    for name, props in answer.items():
        for prop, value in props.items() if isinstance(props, dict) else [("", props)]:
            lines += [f"{name}.{prop}:", *dash_lines(value, 1)]
    return "\n".join(lines)


def callbacks(world: World, client, folder: Folder, whole: bool) -> None:
    """Each callback of the server once for each state of its page."""
    known = [each for each in dependencies(client) if not each["in the browser"]]

    def each_of(inputs: str, values: dict[str, Any], name: str, but: str = "") -> None:
        for wanted in known:
            triggers = [f"{i['id']}.{i['property']}" for i in wanted["inputs"]]
            if inputs in triggers and not (but and but in wanted["output"]):
                item = f"callback {wanted['output'].strip('.')[:60]} on {inputs}, {name}"
                folder.write(item, said(call(client, wanted, values, inputs)))

    rows = {"startRow": 0, "endRow": 40, "sortModel": [], "filterModel": {}}
    states = [
        each for each in explore(world, whole) if "show=" in each or "area=" in each or "record" in each or not each
    ][:: 1 if whole else 4]
    for query in states:
        props = {
            e["props"].get("id"): e["props"] for e in components(layout_of(client, f"/?{query}").get_json())
            if isinstance(e["props"].get("id"), str)
        }  # fmt: skip
        selection = props["selection"]["data"]
        shown = {
            "selection.data": selection,
            "shown-area.data": selection,
            "shown-services.data": selection,
            "table-wanted.data": 1,
        }
        for trigger in ("selection.data", "shown-area.data", "shown-services.data", "table-wanted.data"):
            each_of(trigger, shown, query or "the start")
        for n, more in enumerate((
            {}, {"startRow": 40, "endRow": 60, "sortModel": [{"colId": "value", "sort": "desc"}]},
            {"sortModel": [{"colId": "name", "sort": "asc"}],
             "filterModel": {"name": {"filterType": "text", "type": "contains", "filter": "a"}}},
        )):  # fmt: skip
            each_of("table.getRowsRequest", shown | {"table.getRowsRequest": rows | more}, f"{n} {query}")
    for n, odd in enumerate(
        (None, {}, {"need": ["x"]}, {"level": 7, "services": None}, {"area": "'; drop"}, {"at": ["a", "b"]}, [], "x")
    ):
        each_of("selection.data", {"selection.data": odd}, f"odd {n}")
        each_of("options-state.data", {"options-state.data": odd}, f"odd {n}", but="plan.")
    for text in (
        "",
        "ne",
        "alcohol",
        "NE1 1AA",
        "54.97, -1.61",
        "Gateshead",
        world.facts["areas"]["lsoa"][0],
        "zzz",
        "<b>",
    ):
        for name in ("search.searchValue", "options-place.searchValue"):
            each_of(name, {name: text}, text or "nothing")
    for path in ("/catalogue", "/nothing", "/methods", None):
        each_of(
            "location.pathname", {"location.pathname": path, "location.search": "?q=a", "route.data": "/"}, str(path)
        )
    options(world, client, known, each_of, folder)


def options(world: World, client, known, each_of, folder: Folder) -> None:
    """A walk through the options page: every action on the state that the one before has left."""
    facts = world.facts
    state: dict = {"need": facts["need"], "services": facts["services"]}
    site = facts["sites"][0]
    act = next(each for each in known if each["output"] == "options-state.data")
    actions = [
        {"do": "open", "at": list(MAP_POINT)}, {"do": "close", "site": site}, {"do": "name", "title": "  Two   <b>things</b> "},
        {"do": "copy"}, {"do": "reopen", "site": site}, {"do": "move", "site": site, "at": [55.0, -1.6]},
        {"do": "add"}, {"do": "open", "place": f"area:{facts['areas']['ward'][0]}"}, {"do": "capacity", "site": site, "capacity": "4"},
        {"do": "open", "at": [10, 10]}, {"do": "choose", "option": "B"}, {"do": "choose", "option": "Z"}, {"do": "undo", "site": site},
        {"do": "remove"}, {"do": "nonsense"}, {"do": "clear"}, {"do": "suggest", "new": "2", "objective": "mclp", "demand": "all"},
        {"do": "go", "query": urlencode(state) + "&options=A:o425000-565000"},
    ]  # fmt: skip
    for n, asked in enumerate(actions):
        values = {"options-state.data": state, "options-asked.data": asked, "plan-data.data": None}
        answer = call(client, act, values, "options-asked.data")
        if isinstance(answer, dict) and "options-state" in answer:
            state = answer["options-state"]["data"]
        folder.write(f"options {n:02} {asked['do']}", json_text({"asked": asked, "state": state, "answer": answer}))
        each_of("options-state.data", {"options-state.data": state}, f"{n:02}", but="plan.")
    each_of("options-filter.value", {"options-state.data": state, "options-filter.value": "a"}, "filter")
    plan = next(each for each in known if "plan-data.data" in each["output"])
    for n, more in enumerate(
        ({"new": "2", "objective": "mclp", "demand": "underserved"}, {"new": "1", "objective": "p-median"})
    ):
        state = {"need": facts["need"], "services": facts["services"], "level": "ward", **more}
        before, end, shown = None, time.monotonic() + 60, None
        while time.monotonic() < end:
            answer = call(
                client,
                plan,
                {"options-state.data": state, "plan-data.data": before},
                "options-state.data" if before is None else "plan-tick.n_intervals",
            )
            if isinstance(answer, dict) and "plan-data" in answer:
                before, shown = answer["plan-data"]["data"], answer
                if answer.get("plan-tick", {}).get("disabled"):
                    break
            time.sleep(0.2)
        folder.write(f"plan {n}", said(shown))


# ---- pages that the server draws -------------------------------------------------------------------------------------


def plain(world: World, client, who: str, whole: bool):
    facts = world.facts
    wards = [f"ward-{code}" for code in facts["areas"]["ward"][:: 40 if whole else 120]]
    yield from (
        "/briefings",
        "/briefings/wards",
        "/briefings/wards?q=a",
        "/briefings/wards?q=zzz",
        "/publish",
        "/sign-in",
        "/briefings/edit",
    )
    yield from (
        "/publish/absent/columns",
        "/briefings/edit/absent",
        "/sign-in?next=/catalogue",
        "/sign-in?out",
        "/b/absent",
        "/publish/templates/absent",
    )
    listed = re.findall(r'href="?/briefings/([a-z0-9-]+)"?[ >]', client.get("/briefings").text)
    briefings = [
        b
        for b in dict.fromkeys([*listed, "record-far", "record-inside", "record-over"])
        if b not in ("wards", "edit", "pin")
    ]
    for briefing in [*(briefings if not who else briefings[-4:]), "absent", "ward-absent"]:
        parts = (
            "",
            "/present",
            "/notes",
            "/embed",
            "/changes",
            "/history",
            "/qr.svg",
            "/exhibits/1.svg",
            "/exhibits/2.svg",
            "/exhibits/1.png",
        )
        yield from (f"/briefings/{briefing}{part}" for part in (parts if not who else parts[:1] + parts[4:6]))
    yield from (
        f"/briefings/record-far{part}"
        for part in ("?version=1", "?version=9", "?version=x", "/compare", "/compare?a=1&b=2", "/files/a.odt")
    )
    yield from (f"/briefings/{ward}" for ward in wards)
    layers = [layer["id"] for layer in facts["layers"]] if not who else facts["indicators"][:2]
    for layer in [
        *layers,
        "record-noise",
        "record-owner",
        "record-partners",
        "record-gone",
        "record-later",
        "record-back",
        "absent",
    ]:
        yield f"/catalogue/{layer}"
    for layer in ("record-noise", "record-gone", facts["indicators"][0], facts["lists"][0]):
        yield from (f"/catalogue/{layer}/{part}" for part in ("compare", "compare?a=1&b=2&level=ward", "package.zip"))
    for name in re.findall(r"/publish/templates/([\w.-]+)", client.get("/publish").text) if who == "ann" else ():
        yield f"/publish/templates/{name}"
    if who:
        view = quote(urlencode({"need": facts["need"], "services": facts["services"], "show": "gap"}, safe=",="))
        yield from (f"/briefings/pin?kind={kind}&view={view}" for kind in ("map", "options"))


def signing_in(server, folder: Folder) -> None:
    client = server.test_client()
    for n, given in enumerate(
        ({"name": "ann", "password": "wrong"}, {"name": "", "password": ""}, {"name": "<b>", "password": "x"})
    ):
        ask(client, folder, "/sign-in", name=f"sign in {n}", method="POST", data=given)
    vic = sign_in(server, "vic")
    ask(vic, folder, "/sign-in", "vic", name="signed in already")
    ask(
        vic, folder, "/sign-in/password", "vic", method="POST", data={"password": "wrong", "new": "another three words"}
    )
    ask(vic, folder, "/sign-out", "vic", method="POST")
    ask(client, folder, "/sign-in", name="from another site", method="POST", headers={"Sec-Fetch-Site": "cross-site"})


# ---- publishing and writing, step by step ----------------------------------------------------------------------------

DESCRIBED = {
    "title": "Noisy streets", "measure": "percentage", "unit": "% of streets", "direction": "high-is-worse", "period": "2025",
    "source_title": "Street survey", "licence": "OGL-UK-3.0", "contact": "noise@example.org", "counts_people": "no", "audience": "public",
}  # fmt: skip


def revision(text: str) -> str:
    found = re.search(r"name=\"?revision\"? value=\"?(\d+)", text)
    return found[1] if found else ""


def wizard(world: World, server, folder: Folder) -> None:
    """A layer from a file to the map in the browser, each step first with nothing filled in."""
    ann, codes = sign_in(server, "ann"), world.facts["areas"]["lsoa"]
    rows = "".join(f"{code},{n % 50},50\n" for n, code in enumerate(codes))
    for name, raw in (("no.bin", b"\0\1"), ("streets.csv", f"area_code,numerator,denominator\n{rows}".encode())):
        done = ann.post("/publish/upload", data={"file": (io.BytesIO(raw), name)}, content_type="multipart/form-data")
        address = done.headers.get("Location", "").rsplit("/", 1)[0]
        folder.normal.learn(address.rsplit("/", 1)[-1], "<draft>")
        folder.write(f"wizard upload {name}", f"status {done.status_code} to {done.headers.get('Location')}")
    for step in ("columns", "describe", "check", "preview", "publish"):
        page = ask(ann, folder, f"{address}/{step}", name=f"wizard {step}").text
        if step != "publish":  # where nothing filled in means now
            empty = {"revision": revision(page), "action": "next"}
            ask(ann, folder, f"{address}/{step}", name=f"wizard {step} empty", method="POST", data=empty)
        page = ann.get(f"{address}/{step}").text
        given = {"revision": revision(page), "action": "next"}
        if step == "columns":
            given |= {
                "kind": "indicator",
                "role-area_code": "area_code",
                "role-numerator": "numerator",
                "role-denominator": "denominator",
            }
        if step == "describe":
            given |= DESCRIBED | {"theme": world.facts["themes"][0], "partner": world.facts["councils"][0]}
        if step == "preview":
            given["expecting"] = re.findall(r"name=\"?expecting\"? value=\"?(\d+)", page)
        if step == "publish":
            given |= {"action": "publish", "when": "now", "note": "As agreed."}
        ask(ann, folder, f"{address}/{step}", name=f"wizard {step} filled", method="POST", data=given)
    ask(ann, folder, "/publish", name="wizard after")
    for name, data in (
        ("withdraw", {"reason": ""}),
        ("rollback", {"to": "2", "reason": "Better."}),
        ("withdraw", {"reason": "Wrong."}),
    ):
        ask(
            ann,
            folder,
            f"/catalogue/record-noise/{name}",
            name=f"layer {name} {json.dumps(data)}",
            method="POST",
            data=data,
        )
    ask(ann, folder, "/catalogue/record-noise", name="layer after")


def editor(world: World, server, folder: Folder) -> None:
    """A briefing from a starter to publication in the browser."""
    ann, ben = sign_in(server, "ann"), sign_in(server, "ben")
    for source in ("", "shared-gaps", "record-far", "absent"):
        done = ann.post("/briefings/edit", data={"from": source})
        where = done.headers.get("Location", "")
        name = f"editor from {source or 'nothing'}"
        folder.normal.learn(where.rsplit("/", 1)[-1], "<draft>")
        folder.write(f"{name} begin", f"status {done.status_code} to {where}")
        if done.status_code != 303:
            continue
        page = ask(ann, folder, where, name=f"{name} edit").text
        text = next(iter(re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)), "")
        for part in ("look", "present", "notes", "publish"):
            ask(ann, folder, f"{where}/{part}", name=f"{name} {part}")
        for n, given in enumerate(
            ({"action": "add:1"}, {"action": "down:1"}, {"action": "remove:2"}, {"action": "save", "text": "# {{ x }}"})
        ):
            data = {"revision": revision(ann.get(where).text), "text": unescape(text)} | given
            ask(ann, folder, where, name=f"{name} save {n}", method="POST", data=data)
        ask(
            ann,
            folder,
            f"{where}/preview",
            name=f"{name} preview",
            method="POST",
            data={"text": "# A\n\n{{ nonsense }}", "line": "1"},
        )
        ask(ben, folder, where, "ben", name=f"{name} by another")
        ask(
            ann,
            folder,
            f"{where}/publish",
            name=f"{name} publish a faulty one",
            method="POST",
            data={"action": "publish"},
        )
        ann.post(where, data={"revision": revision(ann.get(where).text), "text": unescape(text), "action": "save"})
        given = {
            "action": "publish",
            "revision": revision(ann.get(f"{where}/publish").text),
            "audience": "public",
            "note": "Done.",
        }
        ask(ann, folder, f"{where}/publish", name=f"{name} publish now", method="POST", data=given)
        ask(ann, folder, f"{where}/discard", name=f"{name} discard", method="POST")
    view = urlencode({"need": world.facts["need"], "services": world.facts["services"], "show": "gap"}, safe=",=")
    done = ann.post("/briefings/pin", data={"view": view, "kind": "map", "headline": "Pinned", "caption": "A map"})
    where = done.headers.get("Location", "")
    folder.normal.learn(where.split("?")[0].rsplit("/", 1)[-1], "<draft>")
    folder.write("editor pin", f"status {done.status_code} to {where}")
    ask(ann, folder, "/briefings/edit", "ann", name="editor list after")
