"""Underserved: high need with poor access; and what comes close to it."""

from __future__ import annotations

import pandas as pd

from layers.methods.access_means import Access
from layers.methods.gap_request import NEED_THRESHOLD
from layers.methods.metrics import PoorAccess

NEAR_NEED = 75.0  # near-misses without stability draws: within the range that the draws vary
NEAR_LIMIT = 0.75
NEAR_SHARE = 0.3  # near-misses with draws: underserved in this share of them or more


def underserved(score: pd.Series, poor: pd.Series, threshold: float = NEED_THRESHOLD) -> pd.Series:
    """Need at or above the threshold *and* poor access. An area whose need is not known is not called underserved."""
    return ((score >= threshold) & poor.astype(bool)).rename("underserved")


def near_misses(
    score: pd.Series,
    access: PoorAccess,
    gap: pd.Series,
    share: pd.Series | None = None,
    model: Access | None = None,
) -> pd.Series:
    """Areas that are not underserved but nearly: borderline or more in the draws.

    Without draws: need at or above 75 and access poor by a standard a quarter stricter (relative rules: as they are).
    """
    if share is not None:
        return (~gap & (share >= NEAR_SHARE)).rename("near_miss")
    close = access.poor
    if access.limit is not None and access.metric.cost is not None and model is not None:
        close = pd.Series(access.metric.cost_of(model) > NEAR_LIMIT * access.limit, index=gap.index)
    return (~gap & (score >= NEAR_NEED) & close).rename("near_miss")
