"""Step “Describe”: what the figures are, in the questions of :mod:`dashboard.publishing.answers`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import flask

from dashboard.auth.session import current_viewer
from dashboard.publishing import answers as asking
from dashboard.publishing import wizard
from layers import Draft, EditConflict, Viewer, may_change


def asked_of(draft: Draft):
    site = wizard.current()
    kind = draft.answers.get("kind") or "indicator"
    return asking.questions(site.region, kind, has_period=bool((draft.answers.get("columns") or {}).get("period")))


def describe_page(draft: Draft, *, said: Mapping | None = None, each: Mapping | None = None, **values):
    site = wizard.current()
    viewer = current_viewer()
    several = draft.answers.get("several") or []
    said = {**(draft.answers.get("said") or {}), **(said or {})}
    each = each if each is not None else draft.answers.get("each") or {}
    asked = asked_of(draft)
    shared = [one for one in asked if not (several and one.own)]
    groups: dict[str, list] = {}
    for one in shared:
        groups.setdefault(one.group, []).append(one)
    own = [one for one in asked if one.own] if several else []
    columns = []
    for number, header in enumerate(several):
        given = {"title": header, "measure": words_guess(header), **(each.get(header) or {})}
        columns.append((number, header, given))
    partners = [(partner.id, partner.name) for partner in site.region.partners if may_change(partner.id, viewer)]
    return wizard.step_page(
        draft, "describe", groups=groups, own=own, columns=columns, said=said, partners=partners,
        id_shown=said.get("id", ""), fixed_id=draft.answers.get("layer", ""),
        shown_id=asking.layer_id({**draft.answers, "said": said}, ""), **values,
    )  # fmt: skip


def save_description(draft_id: str):
    viewer = current_viewer()
    site = wizard.current()
    draft, form = wizard.draft_of(draft_id), flask.request.form
    several, asked = draft.answers.get("several") or [], asked_of(draft)
    said = {**(draft.answers.get("said") or {})}
    said |= asking.read_form(tuple(one for one in asked if not (several and one.own)), form)
    if "id" in form:
        said["id"] = form["id"].strip()[:100]
    said["partner"] = viewer.partner
    if viewer.role == "admin":
        chosen = form.get("partner") or (draft.answers.get("said") or {}).get("partner") or viewer.partner
        said["partner"] = chosen if site.region.partner(chosen) else viewer.partner
    own = tuple(one for one in asked if one.own)
    each = {header: asking.read_form(own, form, f"each-{n}-") for n, header in enumerate(several)}
    changed = {"said": said, "each": each} if several else {"said": said}
    if wizard.quiet():
        return wizard.saved_quietly(draft, changed)
    errors = asking.problems(tuple(one for one in asked if not (several and one.own)), said)
    for number, header in enumerate(several):
        found = asking.problems(own, each[header])
        errors |= {f"each-{number}-{name}": f"{header}: {text}" for name, text in found.items()}
    errors |= id_errors({**draft.answers, **changed}, viewer)
    try:
        if form.get("action") == "later":
            wizard.save(draft, changed)
            return flask.redirect(wizard.HOME_PATH, 303)
        if errors:
            draft = wizard.save(
                draft, {**changed, "done": [s for s in draft.answers.get("done", ()) if s == "columns"]}
            )
            return describe_page(draft, errors=errors, status=422)
        draft = wizard.save(draft, wizard.done_with(draft, "describe", changed))
    except EditConflict as error:
        return describe_page(error.draft, said=said, each=each, overtaken=error.draft, errors={}, status=409)
    return wizard.go(draft, "check")


def id_errors(answers: Mapping[str, Any], viewer: Viewer) -> dict[str, str]:
    """Two layers of one draft with one id, an id that is none, or one that somebody else has."""
    site = wizard.current()
    errors: dict[str, str] = {}
    seen: dict[str, str] = {}
    for number, header in enumerate(asking.wanted_layers(answers)):
        field = f"each-{number}-title" if header else "id"
        layer_id = asking.layer_id(answers, header)
        if layer_id in seen:
            errors[field] = f"{header}: another column has the same title; give each its own"
        seen[layer_id] = header
        wanted = "" if header or answers.get("layer") else answers["said"].get("id", "")
        if wanted and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", wanted):
            errors[field] = "The identifier may hold small letters, digits and hyphens"
            continue
        before = site.reports.before(layer_id, viewer)
        if before.taken:
            errors[field] = f"The identifier {layer_id} cannot be used; choose another title or identifier"
        elif before.newest and answers.get("layer") != layer_id:
            errors[field] = (
                f"There is already a layer {layer_id}; choose another title, or begin with “a new version of” that layer"
            )
    return errors


def words_guess(header: str) -> str:
    text = header.casefold()
    return "percentage" if "%" in text or "percent" in text else "rate" if "rate" in text or " per " in text else ""
