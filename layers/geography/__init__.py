"""Points, outlines, and which areas touch."""
