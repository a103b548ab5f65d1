"""Tables of the store, as SQLAlchemy Core that runs unchanged on SQLite (the default) and PostgreSQL.

How the tables hang together
----------------------------
``versions`` and ``contents`` hold what was published and never change. ``pointers`` says which version is shown: every
publish, roll back and withdrawal adds one row, and the row's number is that of its line in ``audit``. Nothing is ever
updated or deleted in these four; triggers hold that, so that a mistake in the code cannot rewrite history either. Briefings
have three tables of the same make: ``briefings``, ``briefing_versions`` and ``briefing_pointers``.
``meta`` is one row; taking a lock on it is how writers queue, and its ``generation`` is how readers notice a change.

A new table is added here and in :mod:`layers.store.migrations`. One that holds versions gets the columns that
:class:`layers.store.versioned.Versioned` names.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa

metadata = sa.MetaData()


class Moment(sa.TypeDecorator):
    """An aware datetime, kept as ISO 8601 in UTC with microseconds: readable in any tool, and in order as text."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; the store keeps UTC only")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def process_result_value(self, value, dialect):
        return None if value is None else datetime.fromisoformat(value)


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),  # always 1: there is one row
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("region_id", sa.Text, nullable=False),
    sa.Column("vintages", sa.Text, nullable=False),  # JSON, level -> year
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("filled_at", Moment),  # when the pack's layers were published; null: never
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("layers_sha256", sa.String(64)),  # of the region pack's layers when they were last published
    sa.Column("areas_sha256", sa.String(64)),  # of its areas and lookups; null: not known
    sa.CheckConstraint("one = 1", name="meta_is_one_row"),
)

layers = sa.Table(
    "layers",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 ... without a hole
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("partner", sa.Text, nullable=False),  # of the person
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("layer_id", sa.String(200)),  # no foreign key: a refused upload names a layer that never came to be
    sa.Column("version", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False),  # JSON
    sa.Column("chain", sa.String(64), nullable=False),  # SHA-256 over the line before's chain and this line
    sa.Index("audit_by_layer", "layer_id", "seq"),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("effective_at", Moment),  # null: at once
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("checked_by", sa.Text, nullable=False),
    sa.Column("checked_at", Moment),
    sa.Column("review_on", sa.String(10), nullable=False),
    sa.Column("file_sha256", sa.String(64), nullable=False),  # of the file that was handed in; "" when made in memory
    sa.Column("descriptor", sa.Text, nullable=False),  # JSON
    sa.Column("summary", sa.Text, nullable=False),  # JSON: levels, periods, reasons, coverage, sites
    sa.Column("report", sa.Text, nullable=False),  # JSON
    sa.Column("changes", sa.Text, nullable=False),  # JSON: against the version it replaced
    sa.Column("values_sha256", sa.String(64), nullable=False),
    sa.Column("table_sha256", sa.String(64), nullable=False),
    sa.Column("record_sha256", sa.String(64), nullable=False),  # over the JSON columns and the two above
    sa.CheckConstraint("version >= 1", name="versions_count_from_one"),
)

contents = sa.Table(
    "contents",
    metadata,
    sa.Column("layer_id", sa.String(200), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("part", sa.String(10), primary_key=True),  # values: ready to serve; table: as handed in
    sa.Column("parquet", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
    sa.CheckConstraint("part IN ('values', 'table')", name="contents_are_values_or_table"),
)

pointers = sa.Table(
    "pointers",
    metadata,
    sa.Column("seq", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),  # publish | rollback | withdraw
    sa.Column("version", sa.Integer),  # the version to show from now on; null: none (withdrawn)
    sa.Column("at", Moment, nullable=False),
    sa.Column("effective_at", Moment),  # null: at once
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
    sa.CheckConstraint("(version IS NULL) = (action = 'withdraw')", name="only_a_withdrawal_points_nowhere"),
    sa.Index("pointers_by_layer", "layer_id", "seq"),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),  # lower case, normalised
    sa.Column("partner", sa.Text, nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("password_hash", sa.Text),  # argon2id; null: signs in elsewhere (OIDC)
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("signed_in_at", Moment),
    sa.Column("disabled_at", Moment),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),  # a stolen database holds no usable token
    sa.Column("user", sa.String(200), sa.ForeignKey("users.name"), nullable=False, index=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # SHA-256 of a bucket's kind and whose it is
    sa.Column("count", sa.Integer, nullable=False),  # attempts that are missing in it
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("blocked_until", Moment),  # when it is full again
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),  # a stolen database holds no usable token
    sa.Column("user", sa.String(200), sa.ForeignKey("users.name"), primary_key=True, index=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

UNCHECKED = {"checked_by": "", "checked_at": None, "sent_back_by": "", "sent_back_at": None, "reply": ""}
UNASKED = {"asked_of": "", "asked_by": "", "asked_at": None, "asked_note": "", **UNCHECKED}


def _check() -> list[sa.Column]:
    """Of a colleague's check of a draft. What they say is of the draft as it stands: a change empties it."""
    return [
        sa.Column(name, Moment) if empty is None else sa.Column(name, sa.Text, nullable=False)
        for name, empty in UNASKED.items()
    ]


drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("partner", sa.Text, nullable=False),  # whose draft it is: its analysts may work on it
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column(
        "revision", sa.Integer, nullable=False
    ),  # grows with every change: two people on one draft notice each other
    sa.Column("filename", sa.Text, nullable=False),  # as its sender called it, made safe
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("file_sha256", sa.String(64), nullable=False),
    sa.Column("answers", sa.Text, nullable=False),  # JSON: everything said so far
    *_check(),
)

pack_layers = sa.Table(
    "pack_layers",
    metadata,
    sa.Column("layer_id", sa.String(200), sa.ForeignKey("layers.id"), primary_key=True),
    sa.Column("version", sa.Integer),  # that the region pack published last; null: none, the id was somebody else's
    sa.Column("offered_sha256", sa.String(64), nullable=False),  # what the pack holds now; "": no longer in it
    sa.ForeignKeyConstraint(["layer_id", "version"], ["versions.layer_id", "versions.version"]),
)

briefing_drafts = sa.Table(
    "briefing_drafts",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("briefing_id", sa.String(80), nullable=False),  # it is to be a version of; "": not chosen yet
    sa.Column("base_version", sa.Integer, nullable=False),  # the newest when the draft was begun; 0: none
    sa.Column("partner", sa.Text, nullable=False),  # whose draft it is: its analysts may work on it
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # grows with every change of the text
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("authors", sa.Text, nullable=False),  # JSON: everybody who wrote any of it
    *_check(),
)

briefings = sa.Table(
    "briefings",
    metadata,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("partner", sa.Text, nullable=False),  # whose it is, for good
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)

briefing_versions = sa.Table(
    "briefing_versions",
    metadata,
    sa.Column("briefing_id", sa.String(80), sa.ForeignKey("briefings.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", Moment, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("checked_by", sa.Text, nullable=False),
    sa.Column("checked_at", Moment),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("audience", sa.String(20), nullable=False),
    sa.Column("review_on", sa.String(10), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("pins", sa.Text, nullable=False),  # JSON: layer id -> version that its numbers came from
    sa.Column("facts", sa.Text, nullable=False),  # JSON: what its tokens said on the day
    sa.Column("text_sha256", sa.String(64), nullable=False),
    sa.Column("record_sha256", sa.String(64), nullable=False),  # over everything else in the row
    sa.CheckConstraint("version >= 1", name="briefing_versions_count_from_one"),
)

briefing_pointers = sa.Table(
    "briefing_pointers",
    metadata,
    sa.Column("seq", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    sa.Column("briefing_id", sa.String(80), sa.ForeignKey("briefings.id"), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),  # publish | restore | withdraw
    sa.Column("version", sa.Integer),  # the version to show from now on; null: none (withdrawn)
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["briefing_id", "version"], ["briefing_versions.briefing_id", "briefing_versions.version"]),
    sa.CheckConstraint("(version IS NULL) = (action = 'withdraw')", name="only_a_withdrawn_briefing_points_nowhere"),
    sa.Index("briefing_pointers_by_briefing", "briefing_id", "seq"),
)

briefing_pictures = sa.Table(
    "briefing_pictures",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),  # of partner and content
    sa.Column("partner", sa.Text, nullable=False),
    sa.Column("alt", sa.Text, nullable=False),
    sa.Column("media_type", sa.String(20), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("briefing_pictures_by_partner", "partner"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column(
        "id", sa.String(64), primary_key=True
    ),  # of its kind and what it depends on: the same question, the same job
    sa.Column("number", sa.Integer, nullable=False),  # in the order of asking
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),  # JSON: whatever a worker needs to do it
    sa.Column("viewer", sa.Text, nullable=False),  # JSON: for whom; what they may see is asked again when it runs
    sa.Column("price", sa.Float, nullable=False),  # seconds of a processor, as estimated
    sa.Column("state", sa.String(12), nullable=False),  # waiting | running | done | cancelled | refused | failed
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("heard_at", Moment),  # its worker's last sign of life
    sa.Column("over_at", Moment),
    sa.Column("worker", sa.String(120), nullable=False),
    sa.Column("starts", sa.Integer, nullable=False),
    sa.Column("stop", sa.Boolean, nullable=False),  # somebody wants it to end
    sa.Column("progress", sa.Float),  # 0 to 1; null where that cannot be said
    sa.Column("so_far", sa.Text, nullable=False),  # JSON: the best until there is a result
    sa.Column("reasons", sa.Text, nullable=False),  # JSON
    sa.Column("result", sa.LargeBinary),
    sa.Index("jobs_by_state", "state", "number"),
)

job_askers = sa.Table(
    "job_askers",
    metadata,
    sa.Column("job_id", sa.String(64), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("client", sa.String(64), primary_key=True),  # SHA-256 of an account or an address
    sa.Column("until", Moment, nullable=False),  # when this client counts as gone unless it asks again
)

NEVER_CHANGED = (audit, versions, contents, pointers, briefings, briefing_versions, briefing_pointers)


def to_json(value, *, in_order: bool = True) -> str:
    """Canonical JSON: the same value always gives the same text, so that it can be hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=in_order, separators=(",", ":"), default=_plain)


def _plain(value):
    if hasattr(value, "tolist"):  # numpy and pandas scalars and arrays
        return value.tolist()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
