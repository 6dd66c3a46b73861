package sdk

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
)

// Of is a plain function as one of SQL: a value per parameter in, a value out, or a value and an error. A parameter
// is a number, string, bool, []byte, time.Time, a slice of such, or any; a pointer or any is nil for null. The first
// may be a FunctionContext, and the last may be variadic.
//
//	Functions: map[string]sdk.NewFunctionFunc{"fahrenheit": sdk.Of(func(c float64) float64 { return c*9/5 + 32 })}
func Of(f any) NewFunctionFunc {
	made := newPlain(f)
	made.typed = typedOf(f)
	return func() Function { return made }
}

// Aggregate is a plain function over the values of a group: a slice per parameter in, a value out.
func Aggregate(f any) NewFunctionFunc {
	made := newPlain(f)
	made.aggregate = true
	return func() Function { return made }
}

// plain is a function of an author, called by reflection, or, typed, without.
type plain struct {
	f         reflect.Value
	in        []reflect.Type
	context   bool
	variadic  bool
	fails     bool
	aggregate bool
	typed     typed
	where     string
}

var (
	contextType = reflect.TypeFor[FunctionContext]()
	errorType   = reflect.TypeFor[error]()
)

func newPlain(f any) *plain {
	value := reflect.ValueOf(f)
	if value.Kind() != reflect.Func {
		panic(fmt.Sprintf("%T is not a function", f))
	}
	made := &plain{f: value, where: declared(value), variadic: value.Type().IsVariadic()}
	kind := value.Type()
	for i := range kind.NumIn() {
		if i == 0 && contextType.AssignableTo(kind.In(0)) && kind.In(0).NumMethod() > 0 {
			made.context = true
			continue
		}
		made.in = append(made.in, kind.In(i))
	}
	switch {
	case kind.NumOut() == 2 && kind.Out(1) == errorType:
		made.fails = true
	case kind.NumOut() != 1:
		panic(fmt.Sprintf("%s: %s answers no value, or several", made.where, kind))
	}
	return made
}

// arity is the least and the most arguments; nil for any number.
func (p *plain) arity() (int, *int) {
	least := len(p.in)
	if p.variadic {
		return least - 1, nil
	}
	return least, &least
}

// Validate has nothing against any arguments; their number is known to the host.
func (p *plain) Validate([]any) error { return nil }

// IsAggregate says whether it is a function over groups.
func (p *plain) IsAggregate() bool { return p.aggregate }

// Exec calls it.
func (p *plain) Exec(args []any, ctx FunctionContext) (any, bool) {
	given, err := p.given(args, ctx)
	if err != nil {
		return err, false
	}
	answer := p.f.Call(given)
	if p.fails && !answer[1].IsNil() {
		return answer[1].Interface(), false
	}
	return answer[0].Interface(), true
}

func (p *plain) given(args []any, ctx FunctionContext) ([]reflect.Value, error) {
	given := make([]reflect.Value, 0, len(args)+1)
	if p.context {
		given = append(given, reflect.ValueOf(ctx))
	}
	least, most := p.arity()
	if len(args) < least || (most != nil && len(args) > *most) {
		return nil, fmt.Errorf("%d arguments given, %d expected", len(args), least)
	}
	for i, arg := range args {
		value, err := converted(arg, p.parameter(i))
		if err != nil {
			return nil, argumentError(i+1, err)
		}
		given = append(given, value)
	}
	return given, nil
}

func (p *plain) parameter(i int) reflect.Type {
	if p.variadic && i >= len(p.in)-1 {
		return p.in[len(p.in)-1].Elem()
	}
	return p.in[i]
}

// Vectorized is a plain function over whole columns: a slice, Column or arrow.Array per parameter in, one out, or one
// and an error. In []float64 null is NaN, both ways; []int64, []string and []bool are for columns without nulls.
//
//	"sum": sdk.Vectorized(func(a, b []float64) []float64 { … })
func Vectorized(f any) NewFunctionFunc {
	made := &vectorized{newPlain(f)}
	return func() Function { return made }
}

type vectorized struct {
	*plain
}

// Exec calls it with columns of one row.
func (v *vectorized) Exec([]any, FunctionContext) (any, bool) {
	return errors.New("it is called with whole columns"), false
}

// ExecBatch calls it.
func (v *vectorized) ExecBatch(args []Column, _ int, ctx FunctionContext) (any, error) {
	given := make([]reflect.Value, 0, len(args)+1)
	if v.context {
		given = append(given, reflect.ValueOf(ctx))
	}
	if len(args) != len(v.in) {
		return nil, fmt.Errorf("%d arguments given, %d expected", len(args), len(v.in))
	}
	for i, arg := range args {
		column, ok := columnAs(arg, v.in[i])
		if !ok {
			return nil, fmt.Errorf("argument %d: not all of its values are %s", i+1, v.in[i].String())
		}
		given = append(given, column)
	}
	answer := v.f.Call(given)
	if v.fails && !answer[1].IsNil() {
		return nil, answer[1].Interface().(error)
	}
	return answer[0].Interface(), nil
}

// columnAs is a column in the type of a parameter.
func columnAs(column Column, want reflect.Type) (reflect.Value, bool) {
	var found any
	ok := true
	switch reflect.Zero(want).Interface().(type) {
	case []float64:
		found, ok = column.Floats()
	case []int64:
		found, ok = column.Ints()
	case []string:
		found, ok = column.Strings()
	case []bool:
		found, ok = column.Bools()
	case []any:
		found = column.Values()
	case Column:
		found = column
	default:
		array := column.Arrow()
		if array == nil || !reflect.TypeOf(array).AssignableTo(want) {
			return reflect.Value{}, false
		}
		found = array
	}
	return reflect.ValueOf(found), ok
}

// sdkVersion is what the hello says of this side.
func sdkVersion() string {
	return "go " + runtime.Version()[len("go"):]
}
