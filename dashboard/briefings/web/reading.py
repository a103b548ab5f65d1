"""The list of briefings, and one of them read, presented, embedded in another website or compared with the newest data."""

from __future__ import annotations

from html import escape

import flask

from dashboard.auth.session import current_viewer
from dashboard.briefings.files.formats import FORMATS
from dashboard.briefings.filling.build import compare_facts
from dashboard.briefings.filling.own_ward import in_ward
from dashboard.briefings.sources import WARD, entries, find, find_short, newest, not_there, wards
from dashboard.briefings.web import pages
from dashboard.briefings.web.downloads import QR_LOOK, qr_code
from dashboard.briefings.web.presenting import presenting
from dashboard.views.places import names
from dashboard.views.wording import AUDIENCE_WORDS
from dashboard.web import published
from layers import PUBLIC, NotFound, Withdrawn, find_postcode, locate_point, may_change

# ---- the list ----------------------------------------------------------------------------------------------------------


def listing():
    viewer = current_viewer()
    found = entries(published(), viewer)
    names = {partner.id: partner.name for partner in published().region.partners}
    themes = {theme.id: theme.name for theme in published().region.themes}
    return pages.show(
        "list", title="Briefings",
        published_ones=[one for one in found if one.kind in ("published", "pack")],
        starters=[one for one in found if one.kind == "starter"],
        partners=names, themes=themes, audiences=AUDIENCE_WORDS, may_write=pages.may_write(viewer),
        ward_count=len(published().region.areas["ward"]), no_accounts=not viewer.signed_in and not published().store.accounts.has_users(),
    )  # fmt: skip


def all_wards():
    """Every ward, or those whose name, authority or postcode was typed. A postcode goes straight to the ward's sheet."""
    wanted = " ".join(flask.request.args.get("q", "").split())[:60]
    groups, outside = wards(published()), False
    place = find_postcode(wanted) if wanted else None
    if place is not None:
        code = locate_point(published().region, place.easting, place.northing, "ward")
        if code:
            return flask.redirect(f"{pages.PATH}/{WARD}{code}?mine=yes", 303)
        groups, outside = [], True
    elif wanted:
        low = wanted.lower()
        groups = [(lad, [one for one in found if low in one[1].lower() or low in lad.lower()]) for lad, found in groups]
    groups = [(lad, found) for lad, found in groups if found]
    return pages.show(
        "wards", title="Ward sheets", groups=groups, wanted=wanted, outside=outside,
        count=sum(len(found) for _, found in groups), total=len(published().region.areas["ward"]),
    )  # fmt: skip


# ---- one briefing ------------------------------------------------------------------------------------------------------


def read(briefing_id: str):
    from dashboard.briefings.files.wards import ward_page_values  # late: most briefings are no ward's

    found, viewer = pages.asked_for(briefing_id), current_viewer()
    if found.kind == "ward":
        return pages.show(
            "ward", title=found.briefing.title, mine=flask.request.args.get("mine", "") == "yes",
            may_write=pages.may_write(viewer), **ward_page_values(found.ward),
        )  # fmt: skip
    values, record = pages.values_of(found), found.record
    current = (
        record is None
        or pages.version_asked() is None
        or record.version == pages.briefings().get(briefing_id, viewer).version
    )
    checked = (
        {"by": record.checked_by or "a colleague", "at": record.checked_at} if record and record.checked_at else None
    )
    embed = (
        f'<iframe src="{values["origin"]}{values["address"]}/embed" title="{escape(found.briefing.title)}" '
        'width="100%" height="800" style="border: 0"></iframe>'
    )
    return pages.show(
        "read", title=found.briefing.title, **values,
        formats=FORMATS.values(), embed=embed, old=not current, checked=checked,
        may_write=pages.may_write(viewer), may_edit=record is not None and may_change(record.partner, viewer),
        has_history=record is not None, done=flask.request.args.get("done", ""),
    )  # fmt: skip


def own_ward(briefing_id: str):
    """What the numbers of each page are in the ward that this browser remembers."""
    found, code = pages.asked_for(briefing_id), flask.request.args.get("ward", "")[:40]
    said = in_ward(published(), found.briefing, code)
    response = flask.jsonify(name=names(published(), "ward")[code], facts={str(n): lines for n, lines in said.items()})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def present(briefing_id: str):
    values = pages.values_of(pages.asked_for(briefing_id))
    title = values["briefing"].title
    more = presenting(values["briefing"]) | {"qr": qr_code(values).svg_data_uri(**QR_LOOK, scale=8)}
    return pages.show("present", title=title, own_ward=True, **values, **more)


def notes(briefing_id: str):
    found = pages.asked_for(briefing_id)
    if not found.notes:
        raise not_there()
    values = pages.values_of(found)
    return pages.show("notes", title=found.briefing.title, **values, **presenting(found.briefing))


def embed(briefing_id: str):
    """What the public may read, whoever looks: on another website nobody is signed in."""
    flask.g.viewer = PUBLIC
    values = pages.values_of(find(published(), briefing_id, PUBLIC))
    return pages.embedded(200, title=values["briefing"].title, **values)


def changes(briefing_id: str):
    found = pages.asked_for(briefing_id)
    after = newest(published(), found.briefing.document, briefing_id)
    return pages.show(
        "changes", title=f"What would change: {found.briefing.title}",
        **pages.values_of(found), changes=compare_facts(found.briefing, after),
        lost=[(one.number, one.unavailable) for one in after.pages if one.unavailable],
        may_refresh=found.record is not None and may_change(found.partner, current_viewer()),
    )  # fmt: skip


def short(code: str):
    found = find_short(published(), code, current_viewer())
    if not found:
        raise not_there()
    try:
        pages.briefings().get(found, current_viewer())
    except Withdrawn:
        raise
    except NotFound:
        pass  # a starter or ward page
    return flask.redirect(f"{pages.PATH}/{found}", 302)
