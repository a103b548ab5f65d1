"""The ward member's page: what the region's data say about one ward, on one side of A4."""
