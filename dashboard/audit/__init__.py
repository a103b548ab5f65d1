"""The audit trail as a page, and why somebody can, or cannot, see a layer."""
