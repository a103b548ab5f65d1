"""Briefings in the browser and as files: addresses, the editor, exporters."""
