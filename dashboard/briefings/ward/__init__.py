"""The ward member's sheet: what the region's data say about one ward, and about any other area, on a sheet of A4."""
