"""``commonground audit-disclosure``: attacks what is published, as anybody who may read it could."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import click

from dashboard.commands import common
from layers import PUBLIC, Fault, Refused, Region, Viewer, audit_disclosure, audit_groups

ROLES = ("viewer", "analyst", "lead")
KINDS = {
    "recovered": "is withheld and can be worked out: {low:g}",
    "bounded": "is withheld and can be told to lie between {low:g} and {high:g}",
    "ordered": "is withheld and its place among the others is shown",
    "shown": "is a small number that everybody can read: {low:g} to {high:g}",
}
WHATS = {"numerator": "people counted", "denominator": "people counted among", "count": "people counted"}
MOST_LINES = 50


@click.command("audit-disclosure")
@click.option("--as", "users", multiple=True, metavar="USER", help="As this user; given twice: two people together.")
@click.option(
    "--role", "roles", multiple=True, metavar="ROLE",
    help="public, viewer@PARTNER, analyst@PARTNER, lead@PARTNER or admin; given twice: both together.",
)  # fmt: skip
@click.option(
    "--pairs", is_flag=True, help="As the public, every role of every partner, and every two partners together."
)
@common.json_option
def audit(users: tuple[str, ...], roles: tuple[str, ...], pairs: bool, as_json: bool) -> None:
    """Attack what is published: exit status 1 when a withheld small number can be worked out or narrowed down.

    With neither --as nor --role everything published is looked at together, as an admin sees it: what an admin cannot work
    out nobody else can, nor any two people together.
    """
    here = common.published()
    if pairs:
        if users or roles:
            raise click.UsageError("--pairs looks as everybody: give neither --as nor --role with it")
        as_everybody(here, as_json)
        return
    viewers = [here.store.accounts.viewer_named(user) for user in users]
    viewers += [viewer_of_role(role, here.region) for role in roles]
    seen_as = [*users, *roles] or ["admin"]
    found = audit_disclosure(here.store, viewers or [viewer_of_role("admin", here.region)])
    if as_json:
        common.say_json(
            {
                "ok": found.clean,
                "seen_as": seen_as,
                "layers": found.layers,
                "hidden": found.hidden,
                "cells": [asdict(leak) for leak in found.leaks],
                "before_the_guard": [{"layer": layer, "version": version} for layer, version in found.before_the_guard],
            }
        )
    else:
        click.echo("\n".join(lines(found, seen_as)))
    if not found.clean:
        raise SystemExit(1)


def as_everybody(here, as_json: bool) -> None:
    """The audit of everybody, and of every two partners, one line each where something is found."""
    groups = everybody(here.region)
    found = dict(zip(groups, audit_groups(here.store, list(groups.values())), strict=True))
    clean = all(audit.clean for audit in found.values())
    if as_json:
        document = {
            who: {"layers": audit.layers, "hidden": audit.hidden, "cells": [asdict(leak) for leak in audit.leaks]}
            for who, audit in found.items()
        }
        common.say_json({"ok": clean, "groups": document})
    else:
        pairs = sum(len(viewers) == 2 for viewers in groups.values())
        click.echo(f"Seen as the public, as {len(groups) - pairs - 1:,} roles, and as {pairs:,} pairs of partners.")
        for who, audit in found.items():
            if not audit.clean:
                click.echo("\n".join(lines(audit, [who])))
        if clean:
            most = max(found.values(), key=lambda audit: audit.layers)
            click.echo(f"Up to {most.layers:,} versions of indicators, {most.hidden:,} figures withheld in them.")
            click.echo("No small number can be worked out or narrowed down by any of them.")
    if not clean:
        raise SystemExit(1)


def everybody(region: Region) -> dict[str, list[Viewer]]:
    """Who may look, and every two partners together, by name."""
    roles = ["public", *(f"{role}@{one.id}" for one in region.partners for role in ROLES), "admin"]
    groups = {role: [viewer_of_role(role, region)] for role in roles}
    for one, other in itertools.combinations(region.partners, 2):
        both = [viewer_of_role(f"analyst@{partner.id}", region) for partner in (one, other)]
        groups[f"{one.id} and {other.id}"] = both
    return groups


def viewer_of_role(role: str, region: Region) -> Viewer:
    """Somebody with this role, to look with their eyes. Raises :class:`Refused` for one that there is not."""
    if role == "public":
        return PUBLIC
    if role == "admin":
        return Viewer("the audit", "", "admin")
    word, _, partner = role.partition("@")
    if word not in ROLES or region.partner(partner) is None:
        known = ", ".join(one.id for one in region.partners)
        todo = f"use public, admin, or viewer@, analyst@ or lead@ and one of: {known}"
        raise Refused("There is no such role.", [Fault(f"'{role}' is not a role here", "--role", todo)])
    return Viewer("the audit", partner, word if word != "lead" else "analyst")  # a lead reads what an analyst reads


def lines(found, seen_as: list[str]) -> list[str]:
    who = " and ".join(seen_as)
    out = [f"Seen as {who}: {found.layers:,} versions of indicators, {found.hidden:,} figures withheld in them."]
    for leak in found.leaks[:MOST_LINES]:
        told = KINDS[leak.kind].format(low=leak.low, high=leak.high)
        through = f", through {', '.join(leak.through)}" if leak.through else ""
        period = f" {leak.period}" if leak.period else ""
        what = WHATS[leak.what]
        out.append(f"  {leak.layer} version {leak.version}, {leak.level} {leak.area}{period} ({what}) {told}{through}")
    if len(found.leaks) > MOST_LINES:
        out.append(f"  and {len(found.leaks) - MOST_LINES:,} more; --json lists them all")
    if found.before_the_guard:
        names = ", ".join(f"{layer} version {version}" for layer, version in found.before_the_guard)
        out.append(f"Published under a looser rule than today's, until they are published again or withdrawn: {names}.")
    kinds = [leak.kind for leak in found.leaks]
    out.append(
        "No small number can be worked out or narrowed down."
        if found.clean
        else f"{kinds.count('recovered'):,} figures can be worked out, {kinds.count('bounded'):,} narrowed down, "
        f"{kinds.count('shown'):,} small ones stand there to read."
    )
    return out
