"""Signing in with the organisation's own service: OpenID Connect, code flow with PKCE, state and nonce.

Off unless ``COMMONGROUND_OIDC_ISSUER`` is set. What somebody may do comes from their claims by a mapping that is written down;
whoever is not mapped is not let in. docs/accounts.md says it for administrators.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from layers import SYSTEM, Fault, Refused, Region, SignInFailed, Store, Viewer, plain_name

log = logging.getLogger("commonground.auth")

ROLES = ("admin", "analyst", "viewer")
"""The most powerful first: who has several gets the first."""

SIGNED_WITH = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
"""Only signatures with a private key. Never "none", and never HS256, for which anybody who knows a key can sign."""

TIMEOUT_S = 10
KEPT_S = 3600
REFETCH_S = 60
LEEWAY_S = 60

_UNMAPPED = "Your organisation knows you, but nobody has given you a place in Common Ground yet. Ask for one."
_AWAY = "Your organisation's sign-in service does not answer as it should. Try again in a few minutes."
_AGAIN = "Signing in took too long, or was started in another window. Try again."


class NotLetIn(Exception):
    """Signing in elsewhere did not work. The text is for the person; ``why`` is for the log."""

    def __init__(self, text: str, why: str):
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class OidcSettings:
    issuer: str
    client_id: str
    client_secret: str = ""
    label: str = "your organisation’s account"
    scope: str = "openid profile email"
    name_claim: str = "preferred_username"
    role_claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=dict)  # value of the claim -> our role
    partner_claim: str = "organisation"
    partners: Mapping[str, str] = field(default_factory=dict)  # value of the claim -> id of a partner


def from_environment(environ: Mapping[str, str]) -> OidcSettings | None:
    """The settings, None when there is no issuer. Raises :class:`layers.Refused` with everything that is wrong."""
    issuer = environ.get("COMMONGROUND_OIDC_ISSUER", "").strip()
    if not issuer:
        return None
    faults: list[Fault] = []
    if not _is_safe(issuer):
        faults.append(Fault("it is not an https address", "COMMONGROUND_OIDC_ISSUER", "give the issuer as https://..."))
    client_id = environ.get("COMMONGROUND_OIDC_CLIENT_ID", "").strip()
    if not client_id:
        todo = "the sign-in service gives one when this site is registered with it"
        faults.append(Fault("it is not set", "COMMONGROUND_OIDC_CLIENT_ID", todo))
    roles = _pairs("COMMONGROUND_OIDC_ROLES", environ, faults)
    if strange := sorted(set(roles.values()) - set(ROLES)):
        what = f"there is no role {', '.join(strange)}"
        faults.append(Fault(what, "COMMONGROUND_OIDC_ROLES", f"use {', '.join(reversed(ROLES))}"))
    partners = _pairs("COMMONGROUND_OIDC_PARTNERS", environ, faults)
    if faults:
        raise Refused("The settings of the sign-in service cannot be used.", faults)
    default = OidcSettings("", "")
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=environ.get("COMMONGROUND_OIDC_CLIENT_SECRET", ""),
        label=environ.get("COMMONGROUND_OIDC_LABEL") or default.label,
        scope=environ.get("COMMONGROUND_OIDC_SCOPE") or default.scope,
        name_claim=environ.get("COMMONGROUND_OIDC_NAME_CLAIM") or default.name_claim,
        role_claim=environ.get("COMMONGROUND_OIDC_ROLE_CLAIM") or default.role_claim,
        roles=roles,
        partner_claim=environ.get("COMMONGROUND_OIDC_PARTNER_CLAIM") or default.partner_claim,
        partners=partners,
    )


def _pairs(name: str, environ: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    """``value=ours; value=ours``. The last = counts, since names of groups may hold some (CN=analysts,OU=x)."""
    out = {}
    for part in environ.get(name, "").split(";"):
        value, equals, ours = part.rpartition("=")
        if not part.strip():
            continue
        if not equals or not value.strip() or not ours.strip():
            faults.append(Fault(f"'{part.strip()}' is not VALUE=OURS", name, "write VALUE=OURS; VALUE=OURS"))
        else:
            out[value.strip()] = ours.strip()
    return out


def _is_safe(address: str) -> bool:
    """https, or this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


@dataclass(frozen=True)
class Journey:
    """One attempt to sign in: what the browser keeps until it comes back."""

    state: str
    nonce: str
    verifier: str
    next: str = "/"


class Provider:
    """One sign-in service. Threads may share it; it asks the service for its addresses and keys when first needed."""

    def __init__(self, settings: OidcSettings, region: Region):
        if strange := sorted(p for p in set(settings.partners.values()) if region.partner(p) is None):
            known = ", ".join(partner.id for partner in region.partners)
            fault = Fault(f"no partner {', '.join(strange)}", "COMMONGROUND_OIDC_PARTNERS", f"use of: {known}")
            raise Refused("The settings of the sign-in service cannot be used.", [fault])
        self.settings = settings
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] | None = None
        self._keys: Any = None
        self._metadata_at = self._keys_at = float("-inf")

    @property
    def label(self) -> str:
        return self.settings.label

    def start(self, redirect_uri: str, after: str) -> tuple[str, Journey]:
        """Where to send the browser, and what it has to bring back. Raises :class:`NotLetIn` when the service is away."""
        journey = Journey(*(secrets.token_urlsafe(32) for _ in range(2)), secrets.token_urlsafe(48), after)
        with self._session(redirect_uri) as session:
            address, _ = session.create_authorization_url(
                self.metadata()["authorization_endpoint"],
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
            )
        return address, journey

    def finish(self, given: Mapping[str, str], journey: Journey | None, redirect_uri: str) -> dict[str, Any]:
        """The claims of whoever came back with ``given`` in the address. Raises :class:`NotLetIn`."""
        from authlib.common.errors import AuthlibBaseError
        from joserfc.errors import JoseError
        from requests import RequestException

        if journey is None or not secrets.compare_digest(given.get("state", "").encode(), journey.state.encode()):
            raise NotLetIn(_AGAIN, "the state is not the one that was given out")
        if given.get("iss") not in (None, self.settings.issuer):  # RFC 9207: the answer of another service
            raise NotLetIn(_AGAIN, "the answer comes from another issuer")
        if given.get("error") or not given.get("code"):
            text = "Your organisation's sign-in service did not let you in."
            raise NotLetIn(text, f"the service answered {given.get('error', 'without a code')[:80]!r}")
        try:
            metadata = self.metadata()
            with self._session(redirect_uri) as session:
                token = session.fetch_token(
                    metadata["token_endpoint"], code=given["code"], code_verifier=journey.verifier
                )
                claims = self._claims(token, journey.nonce)
                if (endpoint := metadata.get("userinfo_endpoint")) and self._lacks(claims):
                    answer = session.get(endpoint)
                    answer.raise_for_status()
                    more = answer.json()
                    if more.get("sub") == claims["sub"]:  # else it is about somebody else
                        claims = more | claims
        except (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, TypeError) as error:
            raise NotLetIn(_AWAY, f"{type(error).__name__}: {error}") from error
        return claims

    def _lacks(self, claims: Mapping[str, Any]) -> bool:
        wanted = (self.settings.name_claim, self.settings.role_claim, self.settings.partner_claim)
        return any(claim_of(claims, name) is None for name in wanted)

    def _claims(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The ID token's claims, after its signature, issuer, audience, times and nonce were found right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        said = self.metadata().get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=sorted(SIGNED_WITH.intersection(said)), strict_check_header=False)
        try:
            signed = jwt.decode(token["id_token"], self.keys(), registry=registry)
        except InvalidKeyIdError:  # the service has changed its keys
            signed = jwt.decode(token["id_token"], self.keys(renew=True), registry=registry)
        options = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
            "sub": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        asked = {"client_id": self.settings.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(signed.claims, signed.header, options, asked)
        claims.validate(leeway=LEEWAY_S)
        return dict(claims)

    # -- what the service says about itself ----------------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata_at > KEPT_S:
                self._metadata = self._read_metadata()
                self._metadata_at = time.monotonic()
            return self._metadata

    def _read_metadata(self) -> dict[str, Any]:
        found = _json(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise NotLetIn(_AWAY, f"it calls itself {str(found.get('issuer'))[:200]!r}, not {self.settings.issuer!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_safe(str(found.get(name, ""))):
                raise NotLetIn(_AWAY, f"its {name} is not an https address")
        return found

    def keys(self, *, renew: bool = False):
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        address = self.metadata()["jwks_uri"]
        with self._lock:
            age = time.monotonic() - self._keys_at
            if self._keys is None or age > KEPT_S or (renew and age > REFETCH_S):
                try:
                    self._keys = KeySet.import_key_set(_json(address))
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise NotLetIn(_AWAY, f"its keys cannot be read: {error}") from error
                self._keys_at = time.monotonic()
            return self._keys

    def _session(self, redirect_uri: str):
        from authlib.integrations.requests_client import OAuth2Session

        methods = self.metadata().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "none"
        if self.settings.client_secret:
            method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret or None,
            token_endpoint_auth_method=method,
            scope=self.settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_S,
        )


def _json(address: str) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(address, timeout=TIMEOUT_S, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise NotLetIn(_AWAY, f"{address}: {error}") from error
    if not isinstance(found, dict):
        raise NotLetIn(_AWAY, f"{address} is not a JSON object")
    return found


# ---- from claims to an account ---------------------------------------------------------------------------------------


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name; dots lead into objects (``realm_access.roles``) unless a claim has the whole name."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def place_of(claims: Mapping[str, Any], settings: OidcSettings) -> tuple[str, str] | None:
    """Role and partner that the mapping gives to these claims; None unless it gives both, and one partner only."""
    roles = {settings.roles.get(value) for value in _values(claim_of(claims, settings.role_claim))}
    partners = {settings.partners.get(value) for value in _values(claim_of(claims, settings.partner_claim))} - {None}
    role = next((role for role in ROLES if role in roles), None)
    return (role, partners.pop()) if role and len(partners) == 1 else None


def _values(claim: Any) -> list[str]:
    if isinstance(claim, (list, tuple)):
        return [value for value in claim if isinstance(value, str)]
    return [claim] if isinstance(claim, str) else []


def account_for(store: Store, claims: Mapping[str, Any], settings: OidcSettings) -> str:
    """Name of the account that these claims belong to, made or brought up to date. Raises :class:`NotLetIn`.

    An account that the service made belongs to one subject of it for ever: somebody who is given a leaver's user name does
    not get the leaver's account. An account with a password is never entered this way. One that an admin made without a
    password is entered by its name and keeps the role that the admin gave.
    """
    name = claim_of(claims, settings.name_claim)
    if not isinstance(name, str) or not name.strip():
        raise NotLetIn(_UNMAPPED, f"there is no claim {settings.name_claim!r}")
    if settings.name_claim == "email" and claims.get("email_verified") is not True:
        raise NotLetIn("Your organisation has not verified your e-mail address.", "the e-mail address is not verified")
    subject = hashlib.sha256(f"{settings.issuer}\n{claims['sub']}".encode()).hexdigest()[:24]
    maker, place = f"oidc:{subject}", place_of(claims, settings)
    user = next((user for user in store.accounts.list_users(SYSTEM) if user.name == plain_name(name)), None)
    if user is not None and not user.made_by.startswith("oidc:"):
        if user.has_password:
            raise NotLetIn(_UNMAPPED, "the name is that of an account with a password")
        return user.name
    if user is not None and user.made_by != maker:
        raise NotLetIn(_UNMAPPED, "the name is that of another person's account")
    if place is None:
        raise NotLetIn(_UNMAPPED, "the claims are not mapped to one role and one partner")
    role, partner = place
    by = Viewer(maker, partner, "admin")
    try:
        if user is None:
            user = store.accounts.add_user(name, role=role, partner=partner, by=by)
        elif (user.role, user.partner) != place:
            user = store.accounts.change_user(user.name, role=role, partner=partner, by=by)
    except Refused as refused:
        raise NotLetIn(_UNMAPPED, "; ".join(map(str, refused.faults))) from refused
    return user.name


def start_session(store: Store, name: str) -> str:
    """A session for somebody whom the service has identified; returns its token."""
    try:
        return store.accounts.start_session(name)
    except SignInFailed as failed:
        raise NotLetIn(
            "Your account is disabled. Ask the person who looks after Common Ground.", "disabled"
        ) from failed
