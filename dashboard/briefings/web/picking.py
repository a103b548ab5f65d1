"""What the editor's pickers ask: a number, map, chart or table made of what the served region has, and pictures of one's own."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.filling.asking import Facts
from dashboard.briefings.filling.build import reader_of
from dashboard.briefings.filling.examples import CHOICES, Usual, exhibit_lines, token_text
from dashboard.briefings.filling.exhibits import EXHIBIT_HELP, figure
from dashboard.briefings.filling.facts import TOKENS
from dashboard.briefings.web.pages import EDIT, briefings, message, number
from dashboard.briefings.writing import outline
from dashboard.briefings.writing.pictures import MOST_UPLOAD, read_picture
from dashboard.briefings.writing.placing import Placed, exhibit_block, place_exhibit, place_words
from dashboard.views.affected import BASELINE_WORDS
from dashboard.views.search import search
from dashboard.views.wording import LEVEL_WORDS, capital
from dashboard.web import published
from layers import (
    PUBLIC,
    Audience,
    BriefingDraft,
    Fault,
    NotFound,
    NotPermitted,
    Picture,
    Pictures,
    Refused,
    Viewer,
    may_change,
    read_briefing,
)

FAMILY_WORDS = {
    "region": "The region", "area": "One area", "layer": "About an indicator", "value": "The figure of an area",
    "whole": "The figure of the region", "highest": "Where it is highest", "lowest": "Where it is lowest",
    "worst": "Where it is worst", "best": "Where it is best", "middle": "The middle area", "count": "How many areas",
    "change": "How it changed", "services": "Services", "access": "Way to services", "gaps": "Gaps",
    "community": "One community of a gap", "affected": "Who is affected",
    "together": "Looking across borders", "site": "The next site", "made": "The day",
}  # fmt: skip
KIND_WORDS = {
    "map": "Map",
    "chart": "Chart",
    "table": "Table",
    "community": "Community",
    "options": "Options",
    "affected": "Table",
}


def draft_to_write(draft_id: str) -> BriefingDraft:
    draft = briefings().drafts.get(draft_id, current_viewer())
    if not may_change(draft.partner, current_viewer()):
        raise NotPermitted("You were asked to check this draft; only those who write it may change it.")
    return draft


# ---- what there is to choose -------------------------------------------------------------------------------------------


def choices(text: str) -> dict[str, Any]:
    """The fields of the pickers, of what the readers of the text may see; and both references written out for this region."""
    reader, view = readers_of(text), outline.setting(text, "view")
    usual = Usual(published(), reader)
    themes = {theme.id: theme.name for theme in published().region.themes}
    groups: dict[str, dict[str, list]] = {"indicator": {}, "services": {}}
    for layer in published().store.layers(reader):
        name = themes.get(layer.themes[0] if layer.themes else "", "Other")
        groups[str(layer.kind)].setdefault(name, []).append((layer.id, layer.title))
    tokens = [
        (name, help_, token_text(name, help_, usual, view), _fields(help_.allowed, help_.example))
        for name, help_ in TOKENS.items()
    ]
    exhibits = [
        (name, help_, exhibit_block(exhibit_lines(help_, usual, view)), _fields(help_.takes, help_.needs))
        for name, help_ in EXHIBIT_HELP.items()
        if help_.kind != "picture"
    ]
    exhibits.sort(key=lambda row: row[1].kind != "map")  # what most pages show comes first
    by_family = groupby(tokens, key=lambda row: row[0].split(".")[0])
    levels = [level for level in LEVEL_WORDS if len(published().region.areas[level])]
    return {
        "indicators": groups["indicator"], "lists": groups["services"], "usual": usual, "tokens": tokens,
        "families": [(FAMILY_WORDS[family], list(rows)) for family, rows in by_family],
        "exhibits": exhibits, "kinds": KIND_WORDS,
        "baselines": [("region", capital(BASELINE_WORDS["region"])), ("authority", "The authority chosen as area"), ("england", "England")],
        "levels": [(level, capital(LEVEL_WORDS[level][1])) for level in levels],
    }  # fmt: skip


def _fields(allowed, more: str) -> str:
    """Which fields of a picker mean something, as words that the page's script reads."""
    found = [name for name in CHOICES if name in allowed]
    if "need=" in more or "need and services" in more:
        found += ["layer", "services"]
    elif "services" in more and "layer" not in allowed:
        found += ["services"]
    return " ".join(dict.fromkeys(found))


def readers_of(text: str) -> Viewer:
    """As whom the text is going to be filled in: nobody in particular while it does not say."""
    try:
        document = read_briefing(text)
        audience, partner = document.audience, document.partner
    except Refused:
        audience, partner = outline.setting(text, "audience"), outline.setting(text, "partner")
    if audience == Audience.OWNER and not may_change(partner, current_viewer()):
        return PUBLIC  # a text that speaks for somebody else is told nothing of theirs
    try:
        return reader_of(published(), Audience(audience), partner)
    except (ValueError, Refused):
        return PUBLIC


# ---- a number or an exhibit ---------------------------------------------------------------------------------------------


def edit_pick(draft_id: str):
    """What a choice says or shows, and the text with it where the cursor is. Nothing is saved."""
    draft_to_write(draft_id)
    form = flask.request.form
    text, at = outline.tidy(form.get("text", "")), number(form.get("at"), None, 0)
    name, chosen = form.get("what", ""), {key: form.get(key, "").strip()[:200] for key in CHOICES}
    reader = readers_of(text)
    view = _view_at(text, at)
    usual = Usual(published(), reader, chosen)
    try:
        if form.get("kind") == "exhibit":
            placed, said = _exhibit(text, at, name, usual, view, reader)
        else:
            placed, said = _token(text, at, name, usual, view, reader)
    except Refused as error:
        faults = [f"{capital(fault.what)}.{f' {capital(fault.todo)}.' if fault.todo else ''}" for fault in error.faults]
        return flask.jsonify(fault=" ".join(faults[:3]) or error.title)
    return flask.jsonify(says=said, text=placed.text, start=placed.start, end=placed.end)


def _token(text: str, at: int, name: str, usual: Usual, view: str, reader: Viewer) -> tuple[Placed, str]:
    help_ = TOKENS.get(name)
    if help_ is None:
        raise _refused("choose what to put in")
    words = token_text(name, help_, usual, view)
    (_, token), *_ = read_briefing(f"---\ntitle: x\npartner: x\n---\n# {words}\n").tokens
    said = Facts(published(), reader, author=current_viewer()).fact(token, view)
    return place_words(text, at, words), said.text


def _exhibit(text: str, at: int, name: str, usual: Usual, view: str, reader: Viewer) -> tuple[Placed, str]:
    help_ = EXHIBIT_HELP.get(name)
    if help_ is None:
        raise _refused("choose what to put in")
    block = exhibit_block(exhibit_lines(help_, usual, view))
    spec = read_briefing(f"---\ntitle: x\npartner: x\n---\n# x\n\n{block}\n").pages[0].exhibit
    made = figure(published(), spec, reader, spec.arguments.get("view", "") or view)
    return place_exhibit(text, at, block), made.alt


def _view_at(text: str, at: int) -> str:
    """What the page of the cursor is about: the view of its exhibit, else that of the whole text."""
    line = text.count("\n", 0, at) + 1
    part = next((part for part in reversed(outline.parts_of(text)) if part.line <= line), None)
    lines = text.split("\n")[part.line - 1 : part.end - 1] if part else []
    own = next((one.partition(":")[2].strip() for one in lines if one.startswith("view:")), "")
    return own or outline.setting(text, "view")


def edit_areas(draft_id: str):
    """Areas of this region whose name, code or postcode holds what was typed."""
    draft_to_write(draft_id)
    hits = search(published(), flask.request.args.get("q", ""), PUBLIC)
    found = [(hit.value.rpartition(":")[2], hit.label) for hit in hits if hit.value.startswith(("area:", "point:"))]
    return flask.jsonify(areas=[{"code": code, "name": name} for code, name in found if code])


# ---- pictures -----------------------------------------------------------------------------------------------------------


def edit_picture(draft_id: str):
    """Take a picture with its words; the text with it where the cursor is, or the page again without scripts."""
    request = flask.request
    request.max_content_length = MOST_UPLOAD + 512 * 1024
    draft = draft_to_write(draft_id)
    file, form = request.files.get("picture"), request.form
    text, at = outline.tidy(form.get("text", draft.text)), number(form.get("at"), None, len(draft.text))
    quiet = request.headers.get("Accept", "").startswith("application/json")
    try:
        kept = _taken(draft, file.stream.read(MOST_UPLOAD + 1) if file else b"")
    except Refused as error:
        said = " ".join(f"{capital(fault.what)}: {fault.todo}." for fault in error.faults) or error.title
        if quiet:
            return flask.jsonify(fault=said), 422
        return message(error.title.rstrip("."), [said], 422)
    if form.get("logo"):
        text = outline.with_setting(text, "logo", kept.id)
        placed = Placed(text, text.index(kept.id), text.index(kept.id) + len(kept.id))
    else:
        placed = place_exhibit(text, at, picture_block(kept.id, kept.alt))
    if quiet:
        return flask.jsonify(id=kept.id, text=placed.text, start=placed.start, end=placed.end)
    briefings().drafts.change(draft_id, current_viewer(), draft.revision, placed.text)
    return flask.redirect(
        f"{EDIT}/{draft_id}?page={outline.page_at(placed.text, placed.text.count(chr(10), 0, placed.start) + 1)}", 303
    )


def _taken(draft: BriefingDraft, data: bytes) -> Picture:
    """The picture that came along, kept; or the one of the partner's that was named."""
    held, form = Pictures(published().store), flask.request.form
    if not data and form.get("id"):
        kept = held.get(form["id"])
        if kept.partner != draft.partner:
            raise NotFound("There is no such picture.")
        return kept
    read = read_picture(data)
    return held.add(
        current_viewer(), partner=draft.partner, data=read.data, media_type=read.media_type, width=read.width,
        height=read.height, alt=form.get("alt", ""),
    )  # fmt: skip


def picture_block(picture_id: str, alt: str) -> str:
    """``alt`` as it can stand in the text: no token, and nothing that ends the block."""
    return exhibit_block(
        ("picture", f"picture: {picture_id}", f"alt: {re.sub(r'[`{}<>]', '', alt).strip() or 'Picture'}")
    )


def edit_picture_file(draft_id: str, picture_id: str):
    """A picture of the draft's partner, small enough to choose from."""
    draft = draft_to_write(draft_id)
    kept = Pictures(published().store).get(picture_id)
    if kept.partner != draft.partner:
        raise NotFound("There is no such picture.")
    response = flask.Response(kept.data, content_type=kept.media_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _refused(what: str) -> Refused:
    return Refused("Nothing was put in.", [Fault(what, "", "", rule="choice")])
