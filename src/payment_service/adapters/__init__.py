"""The ports, kept: one folder or file for each thing outside, one vendor library in each."""
