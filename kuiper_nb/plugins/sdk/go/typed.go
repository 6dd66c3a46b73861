package sdk

import (
	"reflect"

	"kuiper_nb/sdk/internal/column"
)

// typed calls a function of a common shape without reflection, for all rows.
type typed func(args []Column, rows int, failed func(row int, err error)) column.Answer

// typedOf is how to call f so; nil for functions of other shapes.
func typedOf(f any) typed {
	switch f := f.(type) {
	case func(float64) float64:
		return unary(f)
	case func(float64, float64) float64:
		return binary(f)
	case func(int64) int64:
		return unary(f)
	case func(int64, int64) int64:
		return binary(f)
	case func(string) string:
		return unary(f)
	case func(string, string) string:
		return binary(f)
	case func(string) int64:
		return unary(f)
	case func(string) bool:
		return unary(f)
	case func(float64) bool:
		return unary(f)
	case func(float64) string:
		return unary(f)
	case func(any) any:
		return unary(f)
	case func(any, any) any:
		return binary(f)
	case func(any) (any, error):
		return unaryOr(f)
	case func(float64) (float64, error):
		return unaryOr(f)
	case func(float64, float64) (float64, error):
		return binaryOr(f)
	case func(string) (string, error):
		return unaryOr(f)
	case func(int64) (int64, error):
		return unaryOr(f)
	}
	return nil
}

func unary[A, R any](f func(A) R) typed {
	return unaryOr(func(a A) (R, error) { return f(a), nil })
}

func unaryOr[A, R any](f func(A) (R, error)) typed {
	return func(args []Column, rows int, failed func(int, error)) column.Answer {
		read := access[A](args[0], 1)
		return each(rows, failed, func(row int) (result R, err error) {
			a, err := read(row)
			if err != nil {
				return result, err
			}
			return f(a)
		})
	}
}

func binary[A, B, R any](f func(A, B) R) typed {
	return binaryOr(func(a A, b B) (R, error) { return f(a, b), nil })
}

func binaryOr[A, B, R any](f func(A, B) (R, error)) typed {
	return func(args []Column, rows int, failed func(int, error)) column.Answer {
		first, second := access[A](args[0], 1), access[B](args[1], 2)
		return each(rows, failed, func(row int) (result R, err error) {
			a, err := first(row)
			if err != nil {
				return result, err
			}
			b, err := second(row)
			if err != nil {
				return result, err
			}
			return f(a, b)
		})
	}
}

// each asks for the value of every row. A row that panics fails alone, and the rest goes on behind it.
func each[R any](rows int, failed func(int, error), one func(row int) (R, error)) column.Answer {
	values := make([]R, rows)
	var valid []bool
	for row := 0; row < rows; row++ {
		var err error
		if row, err = run(values, row, one); err != nil {
			if valid == nil {
				valid = allTrue(rows)
			}
			valid[row] = false
			failed(row, err)
		}
	}
	return column.Answer{Values: values, Valid: valid}
}

// run goes from row on until one fails, and answers which.
func run[R any](values []R, row int, one func(row int) (R, error)) (at int, err error) {
	at = row
	defer caught(&err)
	for ; at < len(values); at++ {
		if values[at], err = one(at); err != nil {
			return at, err
		}
	}
	return at, nil
}

func allTrue(rows int) []bool {
	made := make([]bool, rows)
	for row := range made {
		made[row] = true
	}
	return made
}

// access is how to read the values of an argument as A.
func access[A any](argument Column, number int) func(row int) (A, error) {
	if values, ok := asLies[A](argument); ok {
		return func(row int) (A, error) { return values[row], nil }
	}
	if _, anything := any((*A)(nil)).(*any); anything {
		return func(row int) (A, error) {
			value, _ := argument.Value(row).(A) // null is nil
			return value, nil
		}
	}
	want := reflect.TypeFor[A]()
	return func(row int) (A, error) {
		value := argument.Value(row)
		if found, ok := value.(A); ok {
			return found, nil
		}
		found, err := converted(value, want)
		if err != nil {
			var none A
			return none, argumentError(number, err)
		}
		return found.Interface().(A), nil
	}
}

// asLies is a column without nulls as it lies in memory.
func asLies[A any](argument Column) ([]A, bool) {
	var found any
	var ok bool
	array := argument.Arrow()
	if array == nil || array.NullN() > 0 {
		return nil, false
	}
	switch any(*new(A)).(type) {
	case float64:
		found, ok = argument.Floats()
	case int64:
		found, ok = argument.Ints()
	}
	if !ok {
		return nil, false
	}
	return found.([]A), true
}
