"""Measurements: how fast the explore page and the engine are beside what is used for the same job today. See README.md."""
