"""Strangers' files become a report of every fault, and a layer package."""
