"""The options of a rule that are known by name: eKuiper's, and ours; a default, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleOption:
    """An option: its default as JSON, one line of help. *acts*: this engine does something about it. *relied*: a rule
    that has it goes wrong where nothing is done about it, so it is refused; the others only make eKuiper quicker."""

    default: str
    help: str
    acts: bool = True
    relied: bool = False


RULE_OPTIONS: dict[str, RuleOption] = {
    "isEventTime": RuleOption("false", "time is the stream's TIMESTAMP column, not the clock"),
    "lateTolerance": RuleOption('"1s"', "event time: how far the watermark stays behind the newest row"),
    "sendError": RuleOption("false", "rows that fail go to the sinks too, as their error's text"),
    "sendNilField": RuleOption("false", "fields that are null or absent are sent as null"),
    "sendMetaToSink": RuleOption("false", "the metadata of a row is sent with it"),
    "bufferLength": RuleOption("1024", "payloads that may wait before a push is held back"),
    "restartStrategy": RuleOption("{}", "attempts: how often a rule starts again after an error"),
    "flushAtEnd": RuleOption("true", "the last windows come out when the input ends; false is eKuiper's way"),
    "speed": RuleOption("0", "recorded input plays so many times faster; 0 as fast as it can be read"),
    "record": RuleOption('""', "the file that the rule's input is recorded in"),
    "concurrency": RuleOption("1", "eKuiper's number of workers", acts=False),
    "qos": RuleOption("0", "eKuiper's guarantee of delivery", acts=False, relied=True),
    "checkpointInterval": RuleOption('"5m"', "eKuiper's time between checkpoints", acts=False),
    "debug": RuleOption("false", "eKuiper's level of logging", acts=False),
    "logFilename": RuleOption('""', "eKuiper's file for the rule's log", acts=False, relied=True),
    "cron": RuleOption('""', "when eKuiper starts the rule, by the calendar", acts=False, relied=True),
    "duration": RuleOption('""', "how long it runs each time, beside cron", acts=False, relied=True),
    "cronDatetimeRange": RuleOption("[]", "between which times it may run", acts=False, relied=True),
    "planOptimizeStrategy": RuleOption("{}", "eKuiper's switches of its optimizer", acts=False),
    "disableBufferFullDiscard": RuleOption(
        "false", "eKuiper waits instead of dropping; so it is here always", acts=False
    ),
    "enableRuleTracer": RuleOption("false", "eKuiper traces the rule", acts=False),
    "notifySub": RuleOption("false", "eKuiper tells other rules that this one has ended", acts=False, relied=True),
}
"""By name."""
