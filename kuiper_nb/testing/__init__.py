"""Tests of rules: rows in, rows out, on a virtual clock; in a cell, and as a file for pytest."""

from __future__ import annotations

from .check import check

__all__ = ["check"]
