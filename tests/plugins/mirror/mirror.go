// The plugin of the conformance suite, in Go: mirror.py serves the same.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"kuiper_nb/sdk"
)

var (
	sent     atomic.Int64
	finished atomic.Bool
)

func below(n int) (int, error) {
	if n > 3 {
		return 0, fmt.Errorf("%d is too much", n)
	}
	return n - 1, nil
}

func crashing(n int) int {
	return []int{1, 2, 3}[n]
}

func mixed(n int) any {
	return []any{n, float64(n), strconv.Itoa(n), n > 1, []int{n}, map[string]any{"n": n}, nil, []byte("n")}[n]
}

func doubled(a []float64) []float64 {
	made := make([]float64, len(a))
	for i := range a {
		made[i] = a[i] * 2
	}
	return made
}

func positive(a []float64) ([]float64, error) {
	for _, each := range a {
		if each < 0 {
			return nil, errors.New("a negative number")
		}
	}
	return a, nil
}

type counting struct{}

func (counting) Validate(args []any) error {
	if len(args) > 0 {
		return fmt.Errorf("it takes no %v", args[0])
	}
	return nil
}

func (counting) Exec(_ []any, ctx sdk.FunctionContext) (any, bool) {
	_ = ctx.IncrCounter("calls", 1)
	calls, err := ctx.GetCounter("calls")
	if err != nil {
		return err, false
	}
	return calls, true
}

func (counting) IsAggregate() bool { return false }

func whereabouts(ctx sdk.FunctionContext) string {
	return fmt.Sprint(ctx.GetRuleId(), " ", ctx.GetOpId(), " ", ctx.GetInstanceId(), " ", ctx.GetFuncId())
}

func loud(ctx sdk.FunctionContext, n int) int {
	fmt.Println("printed", n)
	ctx.GetLogger().Debug("not shown")
	ctx.GetLogger().Warnf("logged %d", n)
	return n
}

type numbers struct {
	first, most int
}

func (s *numbers) Configure(datasource string, props map[string]any) (err error) {
	most, ok := props["most"].(string)
	if !ok {
		return errors.New("how many?")
	}
	if s.first, err = strconv.Atoi(datasource); err != nil {
		return err
	}
	s.most, err = strconv.Atoi(most)
	return err
}

func (s *numbers) Open(_ sdk.StreamContext, consumer chan<- sdk.SourceTuple, _ chan<- error) {
	for n := s.first; n < s.most; n++ {
		consumer <- sdk.NewDefaultSourceTuple(map[string]any{"n": n}, map[string]any{"parity": n % 2})
	}
}

func (s *numbers) Close(sdk.StreamContext) error { return nil }

func items(_ sdk.StreamContext, _ map[string]any, emit sdk.Emit) error {
	emit(map[string]any{"a": 1.5, "b": nil, "c": []any{1, "x"}, "d": []byte{0, 0xff}}, nil)
	emit([]map[string]any{{"n": 1}, {"n": 2}}, nil)
	emit([]byte("raw"), nil)
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.AppendValues([]int64{1, 0, 3}, []bool{true, false, true})
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	emit(array.NewRecordBatch(schema, []arrow.Array{builder.NewArray()}, 3), nil)
	return nil
}

func many(_ sdk.StreamContext, options map[string]any, emit sdk.Emit) error {
	rows, err := strconv.Atoi(options["rows"].(string))
	for n := 0; n < rows && emit(map[string]any{"n": n}, nil); n++ {
	}
	return err
}

func broken(_ sdk.StreamContext, _ map[string]any, emit sdk.Emit) error {
	emit(map[string]any{"n": 1}, nil)
	return errors.New("the line is dead")
}

func endless(_ sdk.StreamContext, _ map[string]any, emit sdk.Emit) error {
	for emit([]map[string]any{{"n": sent.Add(1)}}, nil) {
	}
	finished.Store(true)
	return nil
}

type appending struct {
	path string
}

func (s *appending) Configure(props map[string]any) error {
	path, ok := props["path"].(string)
	if !ok {
		return errors.New("no path")
	}
	s.path = path
	return nil
}

func (s *appending) Open(sdk.StreamContext) error { return nil }

func (s *appending) Collect(_ sdk.StreamContext, data any) error {
	if bytes.Contains(data.([]byte), []byte("bad")) {
		return errors.New("not this one")
	}
	return write(s.path, data.([]byte))
}

func (s *appending) Close(sdk.StreamContext) error { return write(s.path, []byte("closed")) }

func counted(_ sdk.StreamContext, props map[string]any, rows []map[string]any) error {
	return write(props["path"].(string), fmt.Appendf(nil, "%d %v;", len(rows), rows[0]["n"]))
}

func write(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(data)
	return err
}

func main() {
	sdk.Start(os.Args, &sdk.PluginConfig{
		Name: "mirror",
		Help: map[string]string{"below": "Counts down."},
		Functions: map[string]sdk.NewFunctionFunc{
			"echo":        sdk.Of(func(a any) any { return a }),
			"second":      sdk.Of(func(_, b any) any { return b }),
			"add":         sdk.Of(func(a, b float64) float64 { return a + b }),
			"shout":       sdk.Of(strings.ToUpper),
			"below":       sdk.Of(below),
			"crashing":    sdk.Of(crashing),
			"mixed":       sdk.Of(mixed),
			"seven":       sdk.Of(func() int { return 7 }),
			"how_many":    sdk.Of(func(values ...any) int { return len(values) }),
			"long":        sdk.Of(func(n int) string { return strings.Repeat("x", n) }),
			"spread":      sdk.Aggregate(func(of []float64) float64 { return slices.Max(of) - slices.Min(of) }),
			"doubled":     sdk.Vectorized(doubled),
			"positive":    sdk.Vectorized(positive),
			"counting":    func() sdk.Function { return counting{} },
			"whereabouts": sdk.Of(whereabouts),
			"loud":        sdk.Of(loud),
			"so_far":      sdk.Of(func() int64 { return sent.Load() }),
			"is_finished": sdk.Of(func() bool { return finished.Load() }),
		},
		Sources: map[string]sdk.NewSourceFunc{
			"numbers": func() sdk.Source { return &numbers{} },
			"items":   sdk.SourceOf(items),
			"many":    sdk.SourceOf(many),
			"broken":  sdk.SourceOf(broken),
			"endless": sdk.SourceOf(endless),
		},
		Sinks: map[string]sdk.NewSinkFunc{
			"append":  func() sdk.Sink { return &appending{} },
			"counted": sdk.SinkOf(counted),
		},
	})
}
