package column

import (
	"fmt"
	"sync"
	"time"
)

// naive is the zone of moments that came without one.
var naive = time.FixedZone("", 0)

// readLayouts are those of ISO 8601: with an offset, which once upon a time had seconds, without one, and of a day.
var readLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999Z07:00:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02",
}

const withoutOffset = 2 // is the first of readLayouts without one

// appendMoment writes ISO 8601, with the name of its zone where it has one.
func appendMoment(to []byte, value time.Time) []byte {
	layout, zone := "2006-01-02T15:04:05.999999-07:00", ""
	switch _, offset := value.Zone(); {
	case value.Location() == naive:
		layout = "2006-01-02T15:04:05.999999"
	case value.Location() != time.UTC && zoneOf(value.Location().String()) != nil:
		zone = value.Location().String()
		fallthrough
	case offset%60 != 0:
		layout = "2006-01-02T15:04:05.999999-07:00:00"
	}
	to = append(to, `{"$datetime":`...)
	if zone == "" {
		return append(appendText(to, value.Format(layout)), '}')
	}
	to = append(appendText(append(to, '['), value.Format(layout)), ',')
	return append(appendText(to, zone), "]}"...)
}

// moment reads what appendMoment, or the host, has written.
func moment(inner any) (any, error) {
	name := ""
	if pair, ok := inner.([]any); ok && len(pair) == 2 {
		inner, name = pair[0], text(pair[1])
	}
	for i, layout := range readLayouts {
		found, err := time.Parse(layout, text(inner))
		if err != nil {
			continue
		}
		zone := zoneOf(name)
		_, offset := found.Zone()
		switch {
		case zone != nil:
			return found.In(zone), nil
		case i >= withoutOffset:
			return found.In(naive), nil
		case offset == 0:
			return found.UTC(), nil
		}
		return found, nil
	}
	return nil, fmt.Errorf("no moment: %v", inner)
}

var zones sync.Map // by name; nil for a name that is none

// zoneOf is the zone of a name; nil for a name that is none.
func zoneOf(name string) *time.Location {
	switch name {
	case "", "Local":
		return nil
	case "UTC":
		return time.UTC
	}
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location)
	}
	found, err := time.LoadLocation(name)
	if err != nil {
		found = nil
	}
	zones.Store(name, found)
	return found
}

// timestampZone is the zone of an Arrow type.
func timestampZone(name string) *time.Location {
	if name == "" {
		return naive
	}
	if zone := zoneOf(name); zone != nil {
		return zone
	}
	if offset, err := time.Parse("-07:00", name); err == nil {
		return offset.Location()
	}
	return time.UTC
}
