"""Planted mistakes, each of which a test must catch: `make mutants`."""
