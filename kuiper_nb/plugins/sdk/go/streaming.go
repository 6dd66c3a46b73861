package sdk

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// Emit sends a row (map[string]any), rows ([]map[string]any), bytes or an Arrow table, with metadata that may be nil.
// It waits while the rule is behind, and answers false when the source is to end.
type Emit func(data any, meta map[string]any) bool

// SourceOf is a plain function as a source, which ends when the function returns. Options are those of the stream, and
// its DATASOURCE as "datasource".
func SourceOf(f func(ctx StreamContext, options map[string]any, emit Emit) error) NewSourceFunc {
	return func() Source { return &plainSource{f: f} }
}

type plainSource struct {
	f       func(StreamContext, map[string]any, Emit) error
	options map[string]any
}

// Configure keeps the options.
func (s *plainSource) Configure(datasource string, props map[string]any) error {
	s.options = map[string]any{"datasource": datasource}
	for name, value := range props {
		s.options[name] = value
	}
	return nil
}

// Open runs the function.
func (s *plainSource) Open(ctx StreamContext, consumer chan<- SourceTuple, errCh chan<- error) {
	emit := func(data any, meta map[string]any) bool {
		tuple := SourceTuple(&item{data, meta})
		if row, ok := data.(map[string]any); ok {
			tuple = NewDefaultSourceTuple(row, meta)
		}
		if ctx.Err() != nil {
			return false
		}
		select {
		case consumer <- tuple:
			return true
		case <-ctx.Done():
			return false
		}
	}
	ended, err := endOf{}, s.f(ctx, s.options, emit)
	if err != nil {
		select {
		case errCh <- err:
		case <-ctx.Done():
		}
		return
	}
	select {
	case consumer <- ended:
	case <-ctx.Done():
	}
}

// Close has nothing to let go of.
func (s *plainSource) Close(StreamContext) error { return nil }

// endOf is the tuple behind the last.
type endOf struct{}

// Message is nothing.
func (endOf) Message() map[string]any { return nil }

// Meta is nothing.
func (endOf) Meta() map[string]any { return nil }

// SinkOf is a plain function as a sink. It is a func(ctx StreamContext, props map[string]any, item T) error, where T is
// []map[string]any for the rows of an emit, []byte for what a byte sink gets, or arrow.RecordBatch.
func SinkOf(f any) NewSinkFunc {
	switch f := f.(type) {
	case func(StreamContext, map[string]any, []map[string]any) error:
		return func() Sink { return &plainSink{takes: "rows", collect: rowsOf(f)} }
	case func(StreamContext, map[string]any, []byte) error:
		return func() Sink { return &plainSink{takes: "bytes", collect: exactly(f)} }
	case func(StreamContext, map[string]any, arrow.RecordBatch) error:
		return func() Sink { return &plainSink{takes: "arrow", collect: exactly(f)} }
	}
	panic("a sink is a func(sdk.StreamContext, map[string]any, T) error, T []map[string]any, []byte or arrow.RecordBatch")
}

type plainSink struct {
	takes   string
	collect func(ctx StreamContext, props map[string]any, item any) error
	props   map[string]any
}

// Takes is what the sink wants: rows, bytes or arrow.
func (s *plainSink) Takes() string { return s.takes }

// Configure keeps the properties.
func (s *plainSink) Configure(props map[string]any) error {
	s.props = props
	return nil
}

// Open has nothing to do.
func (s *plainSink) Open(StreamContext) error { return nil }

// Collect calls the function.
func (s *plainSink) Collect(ctx StreamContext, data any) error { return s.collect(ctx, s.props, data) }

// Close has nothing to let go of.
func (s *plainSink) Close(StreamContext) error { return nil }

func exactly[T any](f func(StreamContext, map[string]any, T) error) func(StreamContext, map[string]any, any) error {
	return func(ctx StreamContext, props map[string]any, data any) error {
		found, ok := data.(T)
		if !ok {
			return &fault{told: "the sink takes no " + named(data)}
		}
		return f(ctx, props, found)
	}
}

func rowsOf(f func(StreamContext, map[string]any, []map[string]any) error) func(
	StreamContext, map[string]any, any) error {
	return func(ctx StreamContext, props map[string]any, data any) error {
		list, ok := data.([]any)
		if !ok {
			list = []any{data}
		}
		rows := make([]map[string]any, len(list))
		for i, each := range list {
			if rows[i], ok = each.(map[string]any); !ok {
				return &fault{told: "the sink takes rows, no " + named(each)}
			}
		}
		return f(ctx, props, rows)
	}
}
