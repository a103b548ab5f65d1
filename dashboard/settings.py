"""Settings come from the environment, one prefix. docs/running.md lists them; a test keeps the two in step."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dashboard.auth import hosts, oidc
from dashboard.auth.oidc import OidcSettings
from layers import DRAFT_DAYS, Anchor, Fault, Marker, Refused, allowed_feeds

ROOT = Path(__file__).resolve().parents[1]
DEMO_PACK = ROOT / "data" / "demo"


@dataclass(frozen=True)
class Settings:
    region: Path
    home: Path
    database_url: str
    secret_key: str
    tiles_url: str = ""
    tiles_attribution: str = ""
    proxies: int = 0
    hosts: tuple[str, ...] = ()
    public_url: str = ""
    oidc: OidcSettings | None = None
    audit_anchor: str = ""
    feeds: tuple[str, ...] = ()
    contact: str = ""
    keep_sign_ins_days: int = 0  # 0: for good
    keep_drafts_days: int = DRAFT_DAYS  # 0: for good

    @property
    def anchor(self) -> Anchor:
        """Where the audit trail is noted outside the database."""
        return Anchor(self.audit_anchor or str(self.home / f"audit-anchor-{store_name(self.region)}.log"))

    @property
    def marker(self) -> Marker:
        """What the home remembers of the store of this region pack."""
        return Marker(self.home, store_name(self.region))


HELP = {
    "COMMONGROUND_REGION": "region pack to serve; default `data/demo`",
    "COMMONGROUND_HOME": "folder for the store, the secret key and what can be made again; default `var/`",
    "COMMONGROUND_DATABASE_URL": "SQLAlchemy address of the store; default SQLite in the home folder, PostgreSQL for several hosts",
    "COMMONGROUND_SECRET_KEY": "signs sessions; made and kept in the home folder on a single machine, required with another database",
    "COMMONGROUND_TILES_URL": "optional basemap, for example `https://tiles.example.org/{z}/{x}/{y}.png`; by default nothing is fetched",
    "COMMONGROUND_TILES_ATTRIBUTION": "credit shown on the map when a basemap is set",
    "COMMONGROUND_PROXIES": "number of proxies in front that report the browser's address, scheme and host; default 0",
    "COMMONGROUND_AUDIT_ANCHOR": "notes the audit trail outside the database: a file, `syslog` or `off`; default a file in the home",
    "COMMONGROUND_KEEP_SIGN_INS": "days after which the server forgets who signed in, 7 or more; default: never",
    "COMMONGROUND_KEEP_DRAFTS": "days after which the server forgets a draft that nobody has changed, 7 or more, or `never`; default 180",
    "COMMONGROUND_FEEDS": "where feeds may be read from: hosts (https, public addresses) and whole origins as written; default none",
    "COMMONGROUND_SECURITY_CONTACT": "whom to tell of a weakness (`security.txt`): `mailto:...` or `https://...`",
    "COMMONGROUND_HOSTS": "names under which the site answers, with commas: `maps.example.org, localhost`; others get 400, but for "
    "`/healthz` and `/readyz`. Default: the host of `COMMONGROUND_PUBLIC_URL`, or any when that is not set either",
    "COMMONGROUND_PUBLIC_URL": "the site's address as people type it, `https://maps.example.org`: links in files, QR codes and the "
    "way back from a sign-in service use it; default: the address that the browser asked for",
    "COMMONGROUND_OIDC_ISSUER": "address of the organisation's sign-in service (OpenID Connect); by default accounts are local only",
    "COMMONGROUND_OIDC_CLIENT_ID": "name of this site at the sign-in service",
    "COMMONGROUND_OIDC_CLIENT_SECRET": "secret of this site at the sign-in service, if it gives one",
    "COMMONGROUND_OIDC_LABEL": "what the button says after “Sign in with”; default “your organisation’s account”",
    "COMMONGROUND_OIDC_SCOPE": "scopes to ask for; default `openid profile email`",
    "COMMONGROUND_OIDC_NAME_CLAIM": "claim that becomes the account's name; default `preferred_username`",
    "COMMONGROUND_OIDC_ROLE_CLAIM": "claim that holds roles or groups, dots lead into objects; default `roles`",
    "COMMONGROUND_OIDC_ROLES": "which of its values is which role: `maps-admins=admin; maps-analysts=analyst`; others are not let in",
    "COMMONGROUND_OIDC_PARTNER_CLAIM": "claim that names the organisation; default `organisation`",
    "COMMONGROUND_OIDC_PARTNERS": "which of its values is which partner: `Gateshead Council=gateshead; ...`; others are not let in",
}


def from_environment(environ: Mapping[str, str] | None = None, *, to_read: bool = False) -> Settings:
    """Read the settings. ``to_read``: without the secret key, which only a server and what writes need; nothing is made.

    Raises :class:`layers.Refused` when the key is weak, or missing where several hosts share a database.
    """
    environ = os.environ if environ is None else environ
    region = Path(environ.get("COMMONGROUND_REGION") or DEMO_PACK).resolve()
    home = Path(environ.get("COMMONGROUND_HOME") or ROOT / "var").resolve()
    default_store = f"sqlite:///{home / f'{store_name(region)}.sqlite'}"
    url = environ.get("COMMONGROUND_DATABASE_URL") or default_store
    public_url = _public_url(environ.get("COMMONGROUND_PUBLIC_URL", ""))
    key = (
        "" if to_read else _key(environ.get("COMMONGROUND_SECRET_KEY", ""), home, one_machine=url.startswith("sqlite"))
    )
    return Settings(
        region=region,
        home=home,
        database_url=url,
        secret_key=key,
        tiles_url=environ.get("COMMONGROUND_TILES_URL", ""),
        tiles_attribution=environ.get("COMMONGROUND_TILES_ATTRIBUTION", ""),
        proxies=_proxies(environ.get("COMMONGROUND_PROXIES", "")),
        hosts=_hosts(environ.get("COMMONGROUND_HOSTS", "") or urlsplit(public_url).netloc),
        public_url=public_url,
        oidc=oidc.from_environment(environ),
        audit_anchor=environ.get("COMMONGROUND_AUDIT_ANCHOR", "").strip(),
        feeds=allowed_feeds(environ.get("COMMONGROUND_FEEDS", "")),
        keep_sign_ins_days=_days(environ, "COMMONGROUND_KEEP_SIGN_INS", 0),
        keep_drafts_days=_days(environ, "COMMONGROUND_KEEP_DRAFTS", DRAFT_DAYS),
        contact=_contact(environ.get("COMMONGROUND_SECURITY_CONTACT", "").strip()),
    )


SHORTEST_KEY = 24
FEWEST_CHARACTERS = 8
"""Different ones in a key; random text of the shortest length has twice as many."""
_WORDS = re.compile(
    "change|this|please|replace|me|my|your|the|a|an|very|super|not|so|top|secret|key|password|passwd|pass|word|phrase|"
    "default|example|sample|test|testing|dummy|dev|develop|development|prod|production|common|ground|insecure|secure|"
    "flask|django|session|app|application|token|admin|letmein|qwerty|abc|abcdef|foo|bar|baz|hello|world|x|[0-9]"
)
"""What the keys of tutorials and templates are made of."""


def _key(given: str, home: Path, *, one_machine: bool) -> str:
    """The key that was given, or the one that is made once and kept in the home of a single machine."""
    todo = 'make one with: python -c "import secrets; print(secrets.token_hex(32))"'
    if not given and one_machine:
        key, where = _kept_key(home), str(home / "secret-key")
        todo = f"take that file away, so that the next start makes another; everybody signs in again; or {todo}"
    elif not given:
        what = "COMMONGROUND_SECRET_KEY is not set, and the database is not SQLite"
        fault = Fault(what, "environment", f"set it to the same long random text on every host; {todo}")
        raise Refused("The server cannot start.", [fault])
    else:
        key, where = given, "COMMONGROUND_SECRET_KEY"
    if why := _weakness(key):
        raise Refused("The server cannot start.", [Fault(f"the secret key {why}", where, todo)])
    return key


def _weakness(key: str) -> str:
    """Why a key could be guessed; "" when it could not."""
    plain = key.strip()
    if not plain:
        return "is empty"
    if len(plain) < SHORTEST_KEY:
        return f"has {len(plain)} characters, fewer than {SHORTEST_KEY}"
    if len(set(plain)) < FEWEST_CHARACTERS:
        return f"has only {len(set(plain))} different characters"
    if any(len(plain) % size == 0 and plain == plain[:size] * (len(plain) // size) for size in range(1, 13)):
        return "repeats a few characters"
    runs = re.findall("[a-z]+", plain.lower())
    if re.fullmatch(f"(?:{_WORDS.pattern}|[^a-z0-9])*", plain.lower()) and "".join(runs):
        return "is made of well-known words"
    return ""


def _days(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number of days; 0 for never."""
    text = environ.get(name, "").strip()
    if not text or text == "never":
        return 0 if text else default
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) >= 7):
        fault = Fault(f"'{text[:20]}' is no number of days from 7 on", name, "write 365, or leave it out")
        raise Refused("The server cannot start.", [fault])
    return int(text)


def _contact(text: str) -> str:
    if text and (not text.startswith(("mailto:", "https://", "tel:")) or any(letter.isspace() for letter in text)):
        fault = Fault(
            f"'{text[:80]}' is no address", "COMMONGROUND_SECURITY_CONTACT", "write mailto:... or https://..."
        )
        raise Refused("The server cannot start.", [fault])
    return text


def _proxies(text: str) -> int:
    if not text.strip():
        return 0
    if not text.strip().isdigit() or int(text) > 10:
        fault = Fault(f"'{text}' is not a number from 0 to 10", "COMMONGROUND_PROXIES", "count the proxies in front")
        raise Refused("The server cannot start.", [fault])
    return int(text)


def _hosts(text: str) -> tuple[str, ...]:
    try:
        return hosts.read(text)
    except ValueError as error:
        fault = Fault(
            f"'{error}' is not a host",
            "COMMONGROUND_HOSTS",
            "name hosts with commas between: maps.example.org, localhost",
        )
        raise Refused("The server cannot start.", [fault]) from None


def _public_url(text: str) -> str:
    """The origin, without a slash at its end."""
    if not text.strip():
        return ""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        good = parts.scheme in ("http", "https") and not (parts.path or parts.query or parts.fragment or parts.username)
        good = good and len(hosts.read(parts.netloc)) == 1
    except ValueError:
        good = False
    if not good:
        fault = Fault(
            f"'{text}' is not the address of a site", "COMMONGROUND_PUBLIC_URL", "give it as https://maps.example.org"
        )
        raise Refused("The server cannot start.", [fault])
    return f"{parts.scheme}://{parts.netloc.lower()}"


def store_name(region: Path) -> str:
    """One store per region pack, so that changing COMMONGROUND_REGION never opens another region's store."""
    return f"store-{region.name}"


def _kept_key(home: Path) -> str:
    """The key of a single machine, made once. Two workers that start together agree on one."""
    file = home / "secret-key"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        # written whole under another name, readable by the owner only, then linked: nobody ever reads half a key
        handle, temporary = tempfile.mkstemp(dir=home, prefix=".secret-key.")
        try:
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_hex(32))
            with contextlib.suppress(FileExistsError):
                os.link(temporary, file)
        finally:
            Path(temporary).unlink()
    return file.read_text().strip()
