package sdk

import (
	"errors"
	"fmt"
	"slices"

	"kuiper_nb/sdk/internal/column"
	"kuiper_nb/sdk/internal/wire"
)

// failure is a row that has none but an error.
type failure struct {
	row  int
	told string
	at   string
}

// functionSymbol is a function that is served: its contexts, and how a batch of calls is answered.
type functionSymbol struct {
	name     string
	function Function
	where    string
	contexts map[wire.Place]*streamContext
	calls    chan *wire.Message
}

func newFunctionSymbol(name string, made Function) *functionSymbol {
	where := ""
	switch of := made.(type) {
	case *plain:
		where = of.where
	case *vectorized:
		where = of.where
	case BatchFunction:
		where = method(made, "ExecBatch")
	default:
		where = method(made, "Exec")
	}
	return &functionSymbol{name, made, where, map[wire.Place]*streamContext{}, nil}
}

// answer is that of a batch: its values and the rows that have failed; an error fails the batch.
func (s *functionSymbol) answer(args []Column, rows int, at wire.Place) (
	answer column.Answer, failures []failure, err error,
) {
	ctx := s.context(at)
	failed := func(row int, err error) {
		told := fmt.Sprintf("call func %s error: %s", s.name, err)
		failures = append(failures, failure{row, told, whereOf(err, s.where)})
	}
	switch f := s.function.(type) {
	case BatchFunction:
		answer, err = s.batch(f, args, rows, 0, ctx, failed)
	case *plain:
		if f.typed != nil && len(args) == len(f.in) {
			return f.typed(args, rows, failed), failures, nil
		}
		answer = s.rowwise(args, rows, ctx, failed)
	default:
		answer = s.rowwise(args, rows, ctx, failed)
	}
	return answer, failures, err
}

func (s *functionSymbol) context(at wire.Place) *streamContext {
	if s.contexts[at] == nil {
		s.contexts[at] = newContext(at, symbolLogger{s.name})
	}
	return s.contexts[at]
}

func (s *functionSymbol) rowwise(args []Column, rows int, ctx FunctionContext, failed func(int, error)) column.Answer {
	width := len(args)
	given := make([]any, rows*width) // an author may keep what he is given
	for i, arg := range args {
		for row := range rows {
			given[row*width+i] = arg.Value(row)
		}
	}
	return each(rows, failed, func(row int) (any, error) {
		value, ok := s.function.Exec(given[row*width:(row+1)*width:(row+1)*width], ctx)
		if !ok {
			return nil, asError(value)
		}
		return value, nil
	})
}

// batch calls a function with whole columns; where it fails, with halves of them, until the rows at fault are found.
func (s *functionSymbol) batch(
	f BatchFunction, args []Column, rows, first int, ctx FunctionContext, failed func(int, error),
) (column.Answer, error) {
	answer, err := called(f, args, rows, ctx)
	if err == nil {
		if found := answer.Column().Len(); found != rows {
			return answer, fmt.Errorf("call func %s error: it answered %d values for %d rows", s.name, found, rows)
		}
		return answer, nil
	}
	if rows <= 1 {
		for row := range rows {
			failed(first+row, err)
		}
		return column.Answer{Values: make([]any, rows)}, nil
	}
	half := rows / 2
	left, err := s.batch(f, sliced(args, 0, half), half, first, ctx, failed)
	if err != nil {
		return left, err
	}
	right, err := s.batch(f, sliced(args, half, rows), rows-half, first+half, ctx, failed)
	return column.Answer{Values: slices.Concat(left.Column().Values(), right.Column().Values())}, err
}

func called(f BatchFunction, args []Column, rows int, ctx FunctionContext) (answer column.Answer, err error) {
	defer caught(&err)
	values, err := f.ExecBatch(args, rows, ctx)
	return column.Answer{Values: values, NaN: true}, err
}

func sliced(args []Column, first, end int) []Column {
	parts := make([]Column, len(args))
	for i, arg := range args {
		parts[i] = arg.Slice(first, end)
	}
	return parts
}

func asError(value any) error {
	switch value := value.(type) {
	case error:
		return value
	case nil:
		return errors.New("it failed without an error")
	}
	return fmt.Errorf("%v", value)
}

func argumentError(number int, err error) error {
	return fmt.Errorf("argument %d: %w", number, err)
}
