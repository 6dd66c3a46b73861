package sdk

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"kuiper_nb/sdk/internal/column"
)

// PluginConfig is a plugin: its name, and how to make its sources, sinks and functions.
type PluginConfig struct {
	Name      string
	Version   string
	Sources   map[string]NewSourceFunc
	Sinks     map[string]NewSinkFunc
	Functions map[string]NewFunctionFunc
	Help      map[string]string // of a symbol, by its name
	Debug     bool              // lines of the log that are for debugging are sent, too
}

// NewSourceFunc makes a source for a rule.
type NewSourceFunc func() Source

// NewSinkFunc makes a sink for a rule.
type NewSinkFunc func() Sink

// NewFunctionFunc makes a function; one serves all rules.
type NewFunctionFunc func() Function

// Source brings rows into a rule.
type Source interface {
	// Configure is told the stream's DATASOURCE and options, before Open.
	Configure(datasource string, props map[string]any) error
	// Open sends rows to consumer until the context is done, in a goroutine of its own; an error ends the source.
	Open(ctx StreamContext, consumer chan<- SourceTuple, errCh chan<- error)
	Closable
}

// Sink takes what a rule sends.
type Sink interface {
	// Configure is told the properties of the action, before Open.
	Configure(props map[string]any) error
	// Open gets ready.
	Open(ctx StreamContext) error
	// Collect takes one item, []byte as the rule encodes it; an error is one of the emit.
	Collect(ctx StreamContext, data any) error
	Closable
}

// Function is a function of SQL.
type Function interface {
	// Validate says what it has against being called with these arguments, texts of SQL.
	Validate(args []any) error
	// Exec is the value of one call and true, or an error of the row and false. Arguments are int64, float64, string,
	// bool, []byte, time.Time, []any, map[string]any, or nil for null.
	Exec(args []any, ctx FunctionContext) (any, bool)
	// IsAggregate says whether each argument is a []any, the values of a group.
	IsAggregate() bool
}

// BatchFunction is a function that is called with whole columns.
type BatchFunction interface {
	Function
	// ExecBatch answers a value for each of rows: a slice, a Column or an arrow.Array. What fails is tried again in
	// halves, until the rows at fault are found.
	ExecBatch(args []Column, rows int, ctx FunctionContext) (any, error)
}

// Closable lets go of everything.
type Closable interface {
	Close(ctx StreamContext) error
}

// Column is an argument of a batch.
type Column = column.Column

// StreamContext is what a symbol may know and do. It is done when a source is to end.
type StreamContext interface {
	context.Context
	GetLogger() Logger
	GetRuleId() string
	GetOpId() string
	GetInstanceId() int
	WithMeta(ruleId string, opId string) StreamContext
	WithInstance(instanceId int) StreamContext
	WithCancel() (StreamContext, context.CancelFunc)

	// State lives as long as the process: one per rule, operation, instance and call of functions.
	PutState(key string, value any) error
	GetState(key string) (any, error)
	DeleteState(key string) error
	IncrCounter(key string, amount int) error
	GetCounter(key string) (int, error)
}

// FunctionContext is that of one call of functions in a rule's SQL.
type FunctionContext interface {
	StreamContext
	GetFuncId() int
}

// Logger writes lines that are shown as those of the plugin.
type Logger interface {
	Debug(args ...any)
	Info(args ...any)
	Warn(args ...any)
	Error(args ...any)
	Debugln(args ...any)
	Infoln(args ...any)
	Warnln(args ...any)
	Errorln(args ...any)
	Debugf(format string, args ...any)
	Infof(format string, args ...any)
	Warnf(format string, args ...any)
	Errorf(format string, args ...any)
}

// SourceTuple is what a source sends: a row with its metadata.
type SourceTuple interface {
	Message() map[string]any
	Meta() map[string]any
}

// DefaultSourceTuple is a row.
type DefaultSourceTuple struct {
	Mess map[string]any `json:"message"`
	M    map[string]any `json:"meta"`
}

// NewDefaultSourceTuple is a row with its metadata.
func NewDefaultSourceTuple(message map[string]any, meta map[string]any) *DefaultSourceTuple {
	return &DefaultSourceTuple{Mess: message, M: meta}
}

// Message is the row.
func (t *DefaultSourceTuple) Message() map[string]any { return t.Mess }

// Meta is its metadata.
func (t *DefaultSourceTuple) Meta() map[string]any { return t.M }

// Rows are several rows with the same metadata.
func Rows(rows []map[string]any, meta map[string]any) SourceTuple { return &item{rows, meta} }

// Bytes are decoded by the stream's FORMAT.
func Bytes(data []byte, meta map[string]any) SourceTuple { return &item{data, meta} }

// Table is an Arrow table, whose columns keep their types.
func Table(table arrow.RecordBatch, meta map[string]any) SourceTuple { return &item{table, meta} }

// item is what a source sends that is no row.
type item struct {
	data any
	meta map[string]any
}

// Message is nothing: an item is no row.
func (i *item) Message() map[string]any { return nil }

// Meta is the metadata of all of it.
func (i *item) Meta() map[string]any { return i.meta }
