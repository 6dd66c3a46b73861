"""Faults of plugins, many times over, with real processes: what is promised of them, and what was seen."""
