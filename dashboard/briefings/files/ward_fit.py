"""What the sheet of an area says beside its rows, how wide its columns are, and what gives way when it is more than one sheet of paper."""

from __future__ import annotations

from typing import Any

from dashboard.briefings.ward.ward_briefing import RING, SAY
from dashboard.briefings.ward.ward_model import NO_ACTIONS

WORDS = {
    "say": SAY,
    "short": "In short",
    "neighbours": "Neighbours",
    "need": "How it compares",
    "measure": "Measure",
    "here": "Here",
    "middle": "Middle one",
    "bar": "From best to worst",
    "rank": "1 is worst",
    "words": "In words",
    "services": "How far services are, the mean over everybody here",
    "nearest": "Nearest",
    "where": "Which (bold: across a border, in …)",
    "distance": "Distance",
    "beyond": "Against the standard",
    "gaps": "Gaps: where need is high and help is far",
    "question": "Question",
    "ingap": "In a gap",
    "partof": "Part of the community",
    "sure": "How sure",
    "actions": "What is being done",
    "no-actions": NO_ACTIONS,
    "what": "What",
    "who": "Who",
    "when": "By when",
    "ring": RING,
    "no-ring": "Nobody is named yet. The partners of the region can say whom to ring.",
    "limits": "What this does not say",
}

COLUMNS: dict[str, Any] = {
    "map": 76.0,
    "need": (None, 15.0, 21.0, 25.0, 21.0, 36.0),
    "services": (50.0, 16.0, None, 47.0),
    "gaps": (None, 42.0, 44.0, 27.0),
}
"""Widths in millimetres; None takes what is left."""
SIZE = 10.0
"""Points of the smallest letters but those of the credit."""
MOST_SIDES = 2

LEAST = {"needs": 5, "services": 4, "gaps": 1, "limits": 4, "summary": 2}
"""Rows of each part that stay on the sheet, however long they are."""
TRIMMED = "Not everything fits on one sheet of paper. The rest is on the site."


def trimmed(data: dict[str, Any]) -> bool:
    """Take a row from the part that has most to spare, and say so; False when nothing can go any more."""
    part = max(LEAST, key=lambda name: len(data[name]) - LEAST[name])
    if len(data[part]) <= LEAST[part]:
        return False
    rest = [each for each in data["limits"] if each != TRIMMED]
    if part == "limits":
        rest = rest[:-1]
    else:
        data[part] = data[part][:-1]
    data["limits"] = [*rest, TRIMMED]
    return True
