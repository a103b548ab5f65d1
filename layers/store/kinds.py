"""The kinds of things that are published in versions. Another is a row of its own, and its name here."""

from layers.store.briefings import BRIEFINGS
from layers.store.layers import LAYERS

KINDS = (LAYERS, BRIEFINGS)
