"""Files as analysts have them, each with what the published layer must be. They lie beside the repository, not in it."""
