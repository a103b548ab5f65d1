"""Charts, maps and swatches drawn on the server, for pages, briefings and exports alike."""
