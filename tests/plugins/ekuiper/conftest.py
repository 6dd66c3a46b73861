"""What tests of plugins may ask for."""

from __future__ import annotations

from .zoo import go_zoo, runtime, start

__all__ = ["go_zoo", "runtime", "start"]
