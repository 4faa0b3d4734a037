"""Tests; what they share is in `parts`."""
