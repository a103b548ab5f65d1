"""``commonground user``: accounts. Being on the machine is the proof that one may; the audit trail says ``system``."""

from __future__ import annotations

import sys
from typing import Any

import click

from dashboard.commands.common import Commands, json_option, published, say, say_json
from layers import SYSTEM

ROLE = click.Choice(["viewer", "analyst", "admin"])


@click.group(cls=Commands)
def user() -> None:
    """Accounts: who may see what is not public, publish, and look after the rest."""


def password_options(function):
    from_stdin = click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input, not a prompt."
    )
    return from_stdin(function)


@user.command("add")
@click.argument("name")
@click.option("--role", type=ROLE, required=True)
@click.option("--partner", required=True, metavar="ID", help="The partner that the person belongs to.")
@password_options
@click.option("--no-password", is_flag=True, help="They sign in with their organisation's own service only.")
@json_option
def user_add(name: str, role: str, partner: str, password_stdin: bool, no_password: bool, as_json: bool) -> None:
    """Make the account NAME. Asks for a password, twice."""
    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other.")
    here = published(to_write=True)
    password = None if no_password else ask_password(password_stdin)
    made = here.store.accounts.add_user(name, role=role, partner=partner, password=password, by=SYSTEM)
    organisation = here.region.partner(made.partner)
    say_account(as_json, made, f"is {made.role} of {organisation.name if organisation else made.partner}.")


@user.command("password")
@click.argument("name")
@password_options
@json_option
def user_password(name: str, password_stdin: bool, as_json: bool) -> None:
    """Give NAME a new password. Ends every session of theirs."""
    here = published(to_write=True)
    account = find(here, name)
    here.store.accounts.set_password(account.name, ask_password(password_stdin), by=SYSTEM)
    say_account(as_json, find(here, name), "has a new password and is signed out everywhere.")


@user.command("change")
@click.argument("name")
@click.option("--role", type=ROLE, default=None)
@click.option("--partner", default=None, metavar="ID")
@json_option
def user_change(name: str, role: str | None, partner: str | None, as_json: bool) -> None:
    """Give NAME another role or partner. It counts from their next request on."""
    if role is None and partner is None:
        raise click.UsageError("Say what to change: --role, --partner or both.")
    here = published(to_write=True)
    changed = here.store.accounts.change_user(name, role=role, partner=partner, by=SYSTEM)
    warn_without_admin(here)
    say_account(as_json, changed, f"is {changed.role} of {changed.partner}.")


@user.command("list")
@json_option
def user_list(as_json: bool) -> None:
    """Every account, by name."""
    found = published().store.accounts.list_users(SYSTEM)
    if as_json:
        say_json({"users": [user_document(each) for each in found]})
        return
    if not found:
        click.echo("There are no accounts. Make one: commonground user add NAME --role admin --partner ID", err=True)
    for each in found:
        last = f"{each.signed_in_at:%Y-%m-%d}" if each.signed_in_at else "never"
        notes = "".join(
            text for text, true in ((", disabled", not each.active), (", no password", not each.has_password)) if true
        )
        click.echo(f"{each.name:<28} {each.role:<8} {each.partner:<24} last signed in {last}{notes}")


@user.command("disable")
@click.argument("name")
@json_option
def user_disable(name: str, as_json: bool) -> None:
    """Close NAME's account and end its sessions. It is kept, since versions and the audit trail name it."""
    here = published(to_write=True)
    here.store.accounts.disable_user(name, by=SYSTEM)
    warn_without_admin(here)
    say_account(as_json, find(here, name), "is disabled and signed out everywhere.")


@user.command("enable")
@click.argument("name")
@json_option
def user_enable(name: str, as_json: bool) -> None:
    """Open NAME's disabled account again."""
    here = published(to_write=True)
    here.store.accounts.enable_user(name, by=SYSTEM)
    say_account(as_json, find(here, name), "is enabled.")


def ask_password(from_stdin: bool) -> str:
    """A password from standard input, less the line end that every shell adds, or from a prompt."""
    if from_stdin:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    return click.prompt("Password (three random words do)", hide_input=True, confirmation_prompt=True, err=True)


def find(here, name: str):
    """The account called NAME, disabled or not. Raises NotFound."""
    from layers import NotFound, plain_name

    for each in here.store.accounts.list_users(SYSTEM):
        if each.name == plain_name(name):
            return each
    raise NotFound(f"There is no account '{plain_name(name)}'.")


def warn_without_admin(here) -> None:
    if not any(each.active and each.role == "admin" for each in here.store.accounts.list_users(SYSTEM)):
        click.echo("Nobody is an admin now. Make one: commonground user add NAME --role admin --partner ID", err=True)


def say_account(as_json: bool, account, words: str) -> None:
    say(as_json, {"ok": True, "user": user_document(account)}, f"'{account.name}' {words}")


def user_document(account) -> dict[str, Any]:
    names = ("name", "role", "partner", "made_at", "made_by", "signed_in_at", "disabled_at", "has_password")
    return {name: getattr(account, name) for name in names}
