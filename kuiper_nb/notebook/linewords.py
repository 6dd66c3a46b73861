"""What completes the first line of a cell, and the line of a `%kuiper`: names, options and their values, verbs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from ..connectors import SINKS, documented
from ..sql.ruleoptions import RULE_OPTIONS
from . import firstline, pluginverbs, pluginwords, serviceverbs, servicewords
from .candidates import Candidate, files, functions, of_plugins, streams
from .known import Known


def of_first_line(line: str, known: Known) -> tuple[str, list[Candidate]]:
    """What completes `%%kuiper …`, of which *line* is what stands behind the magic and before the cursor."""
    typed, words = _apart(line)
    if words[:1] == ["service"]:
        return servicewords.of_first_line(typed, words[1:], known)
    if words[:1] == ["plugin"]:
        return pluginwords.of_first_line(typed, words[1:], known)
    if words and firstline.takes_value(words[-1]):
        return _fitting(typed, _value(words[-1], typed, known))
    return _fitting(typed, [*(() if _named(words) else _rules(known)), *_options(words)])


def of_line(line: str, known: Known) -> tuple[str, list[Candidate]]:
    """What completes `%kuiper …`, of which *line* is what stands behind the magic and before the cursor."""
    from .verbs import KINDS, LATER, VERBS

    typed, words = _apart(line)
    if words and "plugin" in (word.lower() for word in words[:2]) and words[0].lower() != "help":
        return pluginwords.of_line(typed, [word for word in words if word.lower() != "plugin"], known)
    if words and "service" in (word.lower() for word in words[:2]) and words[0].lower() != "help":
        return servicewords.of_line(typed, [word for word in words if word.lower() != "service"], known)
    if not words:
        verbs = (Candidate(name, f"verb: {verb.help}") for name, verb in VERBS.items() if name not in LATER)
        starts = (Candidate(word, "keyword") for word in ("SELECT", "CREATE", "DROP", "SHOW", "DESCRIBE"))
        return _fitting(typed, [*verbs, *starts])
    if firstline.takes_value(words[-1]):
        return _fitting(typed, _value(words[-1], typed, known))
    if typed.startswith("-"):
        return _fitting(typed, _options(words))
    verb, rest = words[0].lower(), words[1:]
    if verb == "help":
        return _fitting(typed, () if rest else _topics(known))
    if rest and rest[0].lower() in KINDS:
        return _fitting(typed, () if rest[1:] else named(rest[0].lower(), known))
    if verb == "replay":
        return _fitting(typed, _rules(known) if len(rest) == 1 else () if rest else files(typed))
    if rest:
        return typed, []
    lists = [Candidate(f"{kind}s", "list") for kind in KINDS[1:8] if kind != "aggregate"] if verb == "show" else []
    kinds = [Candidate(kind, "kind") for kind in KINDS[: 7 if verb in _OF_ANY_KIND else verb != "record"]]
    kinds += [Candidate("plugin", "kind")] if verb in pluginverbs.VERBS else []
    kinds += [Candidate("service", "kind")] if verb in serviceverbs.VERBS else []
    return _fitting(typed, [*_of_verb(verb, known), *lists, *kinds])


def named(kind: str, known: Known) -> Iterator[Candidate]:
    """What there is of a kind."""
    match kind:
        case "rule":
            yield from _rules(known)
        case "stream" | "table":
            yield from streams(known.streams if kind == "stream" else known.tables)
        case "function" | "aggregate":
            yield from (Candidate(n, kind) for n, f in known.functions.items() if f.aggregate == (kind == "aggregate"))
        case "source" | "sink":
            yield from (
                Candidate(name, f"your {kind}") for name in (known.sources if kind == "source" else known.sinks)
            )
        case "service":
            yield from servicewords.named(known)
        case "plugin":
            yield from pluginwords.named(known)


_OF_ANY_KIND = ("show", "describe", "drop")


def _of_verb(verb: str, known: Known) -> Iterator[Candidate]:
    if verb in ("status", "reset"):
        return
    yield from named("stream" if verb == "record" else "rule", known)


def _apart(line: str) -> tuple[str, list[str]]:
    """The word that is being typed, and the words before it."""
    words = line.split()
    if line[-1:].isspace() or not words:
        return "", words
    return words[-1], words[:-1]


def _named(words: list[str]) -> bool:
    """Whether the name of the rule stands there already."""
    before = ["", *words]
    return any(
        not word.startswith("-") and not firstline.takes_value(last) for last, word in zip(before, words, strict=False)
    )


def _fitting(typed: str, candidates: Iterable[Candidate]) -> tuple[str, list[Candidate]]:
    return typed, [c for c in candidates if c.text.lower().startswith(typed.lower())]


def _rules(known: Known) -> Iterator[Candidate]:
    for id, rule in known.rules.items():
        yield Candidate(id, f"rule, {rule.status.state}, reads {rule.plan.stream.name}")


def _options(words: list[str]) -> Iterator[Candidate]:
    once = set(firstline.OPTIONS) - {"--option", "--set", "--sink"}
    for name, help in firstline.OPTIONS.items():
        if name not in once or name not in words:
            yield Candidate(name, f"option: {help}")


_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "--late": ("1s", "5s"), "--rows": ("20", "100"), "--for": ("5s", "1m"), "--speed": ("60", "0"),
}  # fmt: skip


def _value(option: str, typed: str, known: Known) -> Iterator[Candidate]:
    match option:
        case "--sink":
            yield from _sinks(known)
        case "--option":
            yield from _rule_options(typed)
        case "--id":
            yield from _rules(known)
        case _:
            yield from (Candidate(text, f"for {option}") for text in _EXAMPLES.get(option, ()))


def _sinks(known: Known) -> Iterator[Candidate]:
    for name in sorted(SINKS):
        found = documented("sink", name)
        yield Candidate(name, f"sink: {found.help if found is not None else ''}")
    yield from (Candidate(name, f"your sink: {s.help}".rstrip(": ")) for name, s in sorted(known.sinks.items()))
    yield from of_plugins("sink", known)
    for (what, name), sections in known.sections.items():
        if what == "sink":
            yield from (Candidate(f"{name}:{section}", f"sink {name} as configured") for section in sections)


def _rule_options(typed: str) -> Iterator[Candidate]:
    """`key=`, and behind it a default that is worth repeating."""
    key, equals, _ = typed.partition("=")
    if not equals:
        for name, option in RULE_OPTIONS.items():
            yield Candidate(f"{name}=", f"rule option: {option.help}, {option.default} when left out")
    elif key in RULE_OPTIONS:
        default = json.loads(RULE_OPTIONS[key].default)
        for value in ("true", "false") if isinstance(default, bool) else (str(default),) if default else ():
            yield Candidate(f"{key}={value}", f"rule option: {RULE_OPTIONS[key].help}")


def _topics(known: Known) -> Iterator[Candidate]:
    from .help import topics

    about: dict[str, str] = dict(functions(known))
    for topic, kind in topics(known).items():
        yield Candidate(topic, about.get(topic, kind))
