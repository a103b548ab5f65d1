"""Find my ward by postcode: the areas that somebody's home lies in. Nothing leaves the machine, and nothing is kept."""

from __future__ import annotations

from typing import Any

from dashboard.published import Published
from layers import LEVELS, district_of, find_home

ACCURACY = {
    "unit": "The middle of the postcode's addresses, which may lie on the other side of a border from a home.",
    "sector": "This postcode is not in the directory; the middle of its sector is shown, which may be in another ward.",
}


def home_document(published: Published, postcode: str) -> dict[str, Any] | None:
    """The small area, ward and authority of a unit postcode, smallest first; None where it is none of the region's."""
    home = find_home(published.region, postcode)
    if home is None:
        return None
    return {
        "postcode": home.postcode,
        "accuracy": home.accuracy,
        "accuracy_words": ACCURACY[home.accuracy],
        "district": district_of(published.region, home.codes["lsoa"]),
        "longitude": home.longitude,
        "latitude": home.latitude,
        "areas": [
            {
                "level": level,
                "code": home.codes[level],
                "name": home.names[level],
                "official_name": home.official_names[level],
                "link": f"/areas/{home.codes[level]}",
            }
            for level in LEVELS
        ],
        "notice": published.region.notice,
    }
