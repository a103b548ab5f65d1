"""The engine of Common Ground. This module is its front door: the names that the dashboard may import.

Nothing below this package imports dash, flask or plotly. Heavy parts are imported when they are first used, so that a command
that only lists layers does not wait for the solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "layers.model": (
        "FIT_FOR",
        "LEAST_DISCLOSURE",
        "LEVELS",
        "PUBLIC",
        "SYSTEM",
        "AccessStandard",
        "Audience",
        "Completeness",
        "Descriptor",
        "Direction",
        "Fault",
        "Kind",
        "Measure",
        "NotFound",
        "Package",
        "Partner",
        "Refused",
        "Source",
        "Status",
        "Theme",
        "Viewer",
    ),
    "layers.descriptor": ("descriptor_to_json",),
    "layers.fields": ("VALUES",),
    "layers.methods.stated": ("stated",),
    "layers.region": ("Region", "load_region"),
    "layers.store.permissions": ("may_change", "may_read"),
    "layers.store.records": (
        "STATUSES",
        "Layer",
        "NotPermitted",
        "StoreFault",
        "Values",
        "Version",
        "Withdrawn",
    ),
    "layers.manifest": ("pack_faults", "write_manifest"),
    "layers.store.store": ("Store", "open_store", "open_to_read"),
    "layers.store.marker": ("Marker",),
    "layers.store.backup": ("made_on as backup_made_on", "read_backup", "restore_backup", "write_backup"),
    "layers.store.accounts": ("SignInFailed", "TooManyAttempts", "User", "normal as plain_name"),
    "layers.store.throttle": ("network_of",),
    "layers.store.guard": (
        "audit_disclosure",
        "audit_groups",
    ),
    "layers.store.integrity": ("check as check_store", "check_trail"),
    "layers.store.pinned": ("PinnedStore",),
    "layers.store.pack_notices": ("pack_notices",),
    "layers.store.refresh": ("follow_pack", "pack_side"),
    "layers.reading.validate": ("Report", "inspect_upload"),
    "layers.reading.carried": ("read_report", "write_report"),
    "layers.reading.files": ("LIMITS", "safe_name"),
    "layers.reading.recipe": (
        "READING as RECIPE_KEYS",
        "read_manifest_of_layers",
        "read_recipe",
        "recipe_of",
        "write_recipe",
    ),
    "layers.reading.counting": ("count_by_postcode",),
    "layers.store.layers": ("Submission",),
    "layers.store.preparing": ("prepare as prepare_layer",),
    "layers.store.blobs": ("decode_table", "decode_values", "parts_of"),
    "layers.descriptive_keys": ("GROUPS", "KEYS", "LICENCES", "NOT_STATED", "Key", "FormQuestion", "roles_of"),
    "layers.store.anchor": ("Anchor", "faults_against as faults_against_anchor", "noted_in as noted_in_anchor"),
    "layers.store.audit": ("AuditLine", "AuditSearch"),
    "layers.store.jobs": ("Bounds as JobBounds", "Busy", "Job", "JobTable"),
    "layers.store.forgetting": ("DRAFT_DAYS", "forget_sign_ins", "forget_what_is_over"),
    "layers.store.why": ("why",),
    "layers.reading.fetch": ("allowed_of as allowed_feeds", "fetch as fetch_feed"),
    "layers.store.drafts": ("Draft", "Drafts", "EditConflict"),
    "layers.store.briefing_drafts": ("BriefingDraft",),
    "layers.store.briefings": ("Briefings", "PublishedBriefing"),
    "layers.store.pictures": ("Picture", "Pictures"),
    "layers.reading.briefing_text": (
        "LONGEST_HEADLINE",
        "LONGEST_TITLE",
        "Block as BriefingBlock",
        "Document",
        "DocumentPage",
        "ExhibitSpec",
        "Run as BriefingRun",
        "Token",
        "read_briefing",
        "safe_link",
        "tokens_of",
        "without_notes",
    ),
    "layers.periods": ("in_order as periods_in_order",),
    "layers.reading.package": ("write_package",),
    "layers.reference": ("markdown_table", "with_tables"),
    "layers.build.region_pack": ("build_region",),
    "layers.geography.packed_outlines": ("pack",),
    "layers.geography.postcodes": ("find as find_postcode",),
    "layers.methods.access": ("DRIVING_KMH", "WALKING_KMH", "access_model"),
    "layers.methods.affected": ("BASELINES", "AffectedMeasure", "AffectedRow", "affected as find_affected"),
    "layers.geography.adjacency": ("adjacency as find_adjacency",),
    "layers.methods.communities": ("Community",),
    "layers.methods.fitness": (
        "CODES as CAUTION_CODES",
        "Caution",
        "Used as UsedLayer",
        "cautions as find_cautions",
        "fit_for",
        "is_sample",
    ),
    "layers.methods.gap_request": (
        "NEED_THRESHOLD",
        "GapRequest",
        "IndicatorLayer",
        "Note",
        "ServiceLayer",
        "unfit_faults",
        "unfit_words",
    ),
    "layers.methods.gaps": ("GapResult", "find_gaps"),
    "layers.methods.measured": (
        "Question as AccessQuestion",
        "learn as learn_access",
        "measure as measure_access",
        "measuring",
    ),
    "layers.methods.water": ("TooManyWays", "ways_at_most"),
    "layers.methods.metrics": ("DEFAULT as DEFAULT_METRIC", "METRICS", "Metric"),
    "layers.methods.need": ("Indicator", "Need", "need as find_need", "need_percentiles"),
    "layers.geography.coordinates": ("to_degrees", "to_metres"),
    "layers.geography.points": ("locate_point",),
    "layers.geography.site_places": ("Home", "SitePlace", "district_of", "find_home", "place_at", "places_at"),
    "layers.methods.options": ("Change", "Outcome", "compare_options"),
    "layers.methods.siting": (
        "OBJECTIVES",
        "Site",
        "SitingPlan",
        "SitingRequest",
        "SitingResult",
        "find_sites",
        "pairs_weighed",
    ),
    "layers.methods.stability": ("Cancelled", "Stability", "words"),
    "layers.methods.together": ("TogetherResult", "find_together"),
    "layers.methods.clusters": ("getis_ord", "local_moran"),
    "layers.methods.travel": (
        "TravelTable",
        "add_travel",
        "load_travel",
        "read_travel_file",
        "travel_faults",
        "travel_tables",
    ),
}
# name here -> (module, name there)
_HOME = {
    entry.split(" as ")[-1]: (module, entry.split(" as ")[0]) for module, entries in _WHERE.items() for entry in entries
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"layers has no name '{name}' for others; see layers/__init__.py")
    module, inner = _HOME[name]
    value = getattr(import_module(module), inner)
    globals()[name] = value
    return value
