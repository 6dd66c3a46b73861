"""JSON paths: `$.store.book[?(@.price < 10)].title`, and the expressions that stand in them."""

from .query import compile_path

__all__ = ["compile_path"]
