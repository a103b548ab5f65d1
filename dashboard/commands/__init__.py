"""One module per group of commands; ``dashboard/cli.py`` joins them."""
