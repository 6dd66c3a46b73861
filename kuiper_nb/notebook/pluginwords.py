"""What completes `%%kuiper plugin …` and `%kuiper plugin …`: verbs, names, options, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .candidates import Candidate, files
from .known import Known
from .pluginline import LANGUAGES, OF_CELL, OPTIONS, takes_value
from .pluginverbs import VERBS

Found = tuple[str, list[Candidate]]


def of_first_line(typed: str, words: list[str], known: Known) -> Found:
    """Behind `%%kuiper plugin`, with these *words* before the one that is *typed*."""
    if words and takes_value(words[-1]):
        return _fitting(typed, (Candidate(name, "language") for name in LANGUAGES))
    names = () if any(not word.startswith("-") for word in words if word not in LANGUAGES) else named(known)
    return _fitting(typed, [*names, *_options(OF_CELL, words)])


def of_line(typed: str, words: list[str], known: Known) -> Found:
    """Behind `%kuiper plugin`, or `%kuiper VERB plugin`."""
    if not words:
        return _fitting(typed, (Candidate(name, f"verb: {verb.help}") for name, verb in VERBS.items()))
    verb, rest = VERBS.get(words[0].lower()), words[1:]
    if verb is None or (rest and takes_value(rest[-1])):
        return typed, []
    if typed.startswith("-") or rest:
        return _fitting(typed, _options((*verb.options, "--quiet"), rest))
    match words[0].lower():
        case "add" | "attach":
            return _fitting(typed, files(typed))
        case "from":
            return _fitting(typed, _native(known))
    return _fitting(typed, named(known))


def named(known: Known) -> Iterator[Candidate]:
    """The plugins there are."""
    for name, plugin in known.plugins.items():
        status = plugin.status
        yield Candidate(name, f"plugin, {status.language} {status.status}, {len(plugin.hello.served)} served")


def _native(known: Known) -> Iterator[Candidate]:
    """What can be moved into a process of its own."""
    yield from (Candidate(name, "your function") for name, f in known.functions.items() if f.kind == "native")
    yield from (Candidate(name, "your source") for name in known.sources)
    yield from (Candidate(name, "your sink") for name in known.sinks)


def _options(allowed: Iterable[str], words: list[str]) -> Iterator[Candidate]:
    for name in allowed:
        if name not in words or name == "--host":
            yield Candidate(name, f"option: {OPTIONS[name]}")


def _fitting(typed: str, candidates: Iterable[Candidate]) -> Found:
    return typed, [c for c in candidates if c.text.lower().startswith(typed.lower())]
