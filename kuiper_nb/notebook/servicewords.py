"""What completes `%%kuiper service …` and `%kuiper service …`: verbs, names, functions, options, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .candidates import Candidate, files
from .known import Known
from .pluginline import OPTIONS
from .serviceverbs import VERBS

Found = tuple[str, list[Candidate]]
_OF_CELL = ("--wins", "--quiet")


def of_first_line(typed: str, words: list[str], known: Known) -> Found:
    """Behind `%%kuiper service`, with these *words* before the one that is *typed*."""
    names = () if any(not word.startswith("-") for word in words) else named(known)
    return _fitting(typed, [*names, *_options(_OF_CELL, words)])


def of_line(typed: str, words: list[str], known: Known) -> Found:
    """Behind `%kuiper service`, or `%kuiper VERB service`."""
    if not words:
        return _fitting(typed, (Candidate(name, f"verb: {verb.help}") for name, verb in VERBS.items()))
    verb, rest = VERBS.get(words[0].lower()), words[1:]
    if verb is None:
        return typed, []
    if typed.startswith("-"):
        return _fitting(typed, _options((*verb.options, "--quiet"), rest))
    match words[0].lower():
        case "call":
            return _fitting(typed, () if rest else _functions(known))
        case "add":
            return _fitting(typed, () if rest else files(typed))
        case "record" | "replay" if rest:
            return _fitting(typed, files(typed))
    return _fitting(typed, () if rest else named(known))


def named(known: Known) -> Iterator[Candidate]:
    """The services there are."""
    for name, service in known.services.items():
        yield Candidate(name, f"service, {service.status.status}, {len(service.functions)} functions")


def _functions(known: Known) -> Iterator[Candidate]:
    for name, function in sorted(known.functions.items()):
        if function.kind == "external":
            yield Candidate(name, f"service {function.owner}: {function.help}")


def _options(allowed: Iterable[str], words: list[str]) -> Iterator[Candidate]:
    for name in allowed:
        if name not in words:
            yield Candidate(name, f"option: {OPTIONS[name]}")


def _fitting(typed: str, candidates: Iterable[Candidate]) -> Found:
    return typed, [c for c in candidates if c.text.lower().startswith(typed.lower())]
