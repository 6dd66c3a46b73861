"""The part of a session that makes the two ends of a rule: by built-in type, native, or of a plugin, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .catalog import Stream
from .connectors import SINKS, SOURCES, Site
from .connectors import sink as connector_sink
from .connectors import source as connector_source
from .connectors.readahead import ReadAhead
from .contracts import Clock, Sink, Source
from .engine.outlet import Outlet
from .errors import ConnectorError, KuiperError, did_you_mean
from .formats.coerce import extra
from .formats.properties import COMMON
from .formats.transform import Transform
from .functions.definitions import Definitions
from .functions.sink import NativeSink, SinkDefinition
from .functions.source import NativeSource, SourceDefinition
from .plugins.installed import Plugins


class Connecting:
    """Sources and sinks by their names, and their configuration."""

    clock: Clock
    sources: Definitions[SourceDefinition]
    sinks: Definitions[SinkDefinition]
    plugins: Plugins
    _frames: dict[str, Any]
    _configurations: dict[tuple[str, str], Mapping[str, Mapping[str, Any]]]

    def source_of(self, stream: Stream, site: Site) -> Source:
        """A source of *stream*, not opened yet. Raises ConnectorError for an unknown TYPE or a bad property."""
        conf_key = stream.options.get("CONF_KEY", "")
        properties = {**self._configured("source", stream.type, conf_key), **extra(stream)}
        if stream.type in self.sources:
            options = {k.lower(): v for k, v in stream.options.items()}
            return NativeSource(stream.type, self.sources, {**properties, **options}, self.clock)
        if stream.type.lower() not in SOURCES and stream.type in self.plugins.sources:
            options = {k.lower(): v for k, v in stream.options.items() if k not in ("TYPE", "CONF_KEY")}
            shipped = _merged(self.plugins.configurations.get(stream.type, {}), conf_key)
            given = {**shipped, **options, **properties}
            return self.plugins.source(stream.type, site.rule, given, self.clock, site.wake)
        if stream.type.lower() not in SOURCES and (self.sources or self.plugins.sources):
            known = [*SOURCES, *self.sources, *self.plugins.sources]
            hint = did_you_mean(stream.type, known)
            if hint.startswith("did"):
                raise ConnectorError(f"source type {stream.type} not found", hint)
        if stream.type == "frame" and self._frames.get(stream.name) is not None:
            from .connectors.frame import FrameSource

            return FrameSource(self._frames[stream.name])
        made = connector_source(stream, properties, site)
        return ReadAhead(made) if not getattr(made, "paced", True) else made

    def _outlet(self, kind: str, given: dict[str, Any], site: Site, send_error: bool) -> Outlet:
        name, _, conf_key = kind.partition(":")
        properties = {**self._configured("sink", name, conf_key), **given}
        transform = Transform(properties)
        made: Sink
        if name in self.sinks:
            made = NativeSink(name, self.sinks, transform.own, COMMON)
        elif name.lower() not in SINKS and name in self.plugins.sinks:
            made = self.plugins.sink(name, site.rule, transform.own)
        elif name.lower() not in SINKS and (
            hint := did_you_mean(name, [*SINKS, *self.sinks, *self.plugins.sinks])
        ).startswith("did"):
            raise ConnectorError(f"sink type {name} not found", hint)
        else:
            made = connector_sink(name, properties, site)
        return Outlet(name, made, transform, properties, send_error=send_error)

    def configure(self, what: str, name: str, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """Connector configuration as in eKuiper's yaml: *what* is "source" or "sink", sections by CONF_KEY."""
        if what not in ("source", "sink"):
            raise KuiperError(f"there is no configuration for a {what}", "source or sink")
        self._configurations[what, name] = dict(sections)

    def _configured(self, what: str, name: str, key: str) -> dict[str, Any]:
        return _merged(self._configurations.get((what, name), {}), key)


def _merged(sections: Mapping[str, Mapping[str, Any]], key: str) -> dict[str, Any]:
    """The section *key*, and what it leaves out from `default`."""
    return {**sections.get("default", {}), **sections.get(key.lower(), sections.get(key, {}))}
