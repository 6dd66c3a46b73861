package sdk

import (
	"fmt"
	"reflect"
	"time"
)

// converted is a value as a parameter of an author's function wants it: whole floats for ints, ints for floats,
// slices for lists, pointers and any for what may be null; the rest must fit.
func converted(value any, want reflect.Type) (reflect.Value, error) {
	if want.Kind() == reflect.Pointer {
		return pointed(value, want)
	}
	if value == nil {
		if want.Kind() == reflect.Interface {
			return reflect.Zero(want), nil
		}
		return reflect.Value{}, fmt.Errorf("it is null, not %s; a *%s or any may be null", want, want)
	}
	if given := reflect.TypeOf(value); given.AssignableTo(want) {
		return reflect.ValueOf(value), nil
	}
	switch value := value.(type) {
	case int64:
		if isInt(want) || isFloat(want) {
			return fitting(reflect.ValueOf(value), want)
		}
	case float64:
		if isFloat(want) || (isInt(want) && value == float64(int64(value))) {
			return fitting(reflect.ValueOf(value), want)
		}
	case string:
		if want.Kind() == reflect.String {
			return reflect.ValueOf(value).Convert(want), nil
		}
	case []any:
		if want.Kind() == reflect.Slice {
			return list(value, want)
		}
	}
	return reflect.Value{}, fmt.Errorf("it is %s, not %s", named(value), want)
}

func pointed(value any, want reflect.Type) (reflect.Value, error) {
	if value == nil {
		return reflect.Zero(want), nil
	}
	inner, err := converted(value, want.Elem())
	if err != nil {
		return inner, err
	}
	made := reflect.New(want.Elem())
	made.Elem().Set(inner)
	return made, nil
}

func list(values []any, want reflect.Type) (reflect.Value, error) {
	made := reflect.MakeSlice(want, len(values), len(values))
	if floats, ok := made.Interface().([]float64); ok && allFloats(values, floats) {
		return made, nil
	}
	for i, value := range values {
		inner, err := converted(value, want.Elem())
		if err != nil {
			return made, fmt.Errorf("value %d: %w", i+1, err)
		}
		made.Index(i).Set(inner)
	}
	return made, nil
}

func allFloats(values []any, to []float64) bool {
	for i, value := range values {
		number, ok := value.(float64)
		if !ok {
			return false
		}
		to[i] = number
	}
	return true
}

// fitting is a number in another type that holds it.
func fitting(number reflect.Value, want reflect.Type) (reflect.Value, error) {
	made := number.Convert(want)
	if want.Kind() >= reflect.Uint && isInt(want) && number.Convert(reflect.TypeFor[float64]()).Float() < 0 {
		return made, fmt.Errorf("%v does not fit into %s", number, want)
	}
	if isInt(want) && made.Convert(number.Type()).Interface() != number.Interface() {
		return made, fmt.Errorf("%v does not fit into %s", number, want)
	}
	return made, nil
}

func isInt(kind reflect.Type) bool {
	return kind.Kind() >= reflect.Int && kind.Kind() <= reflect.Uint64
}

func isFloat(kind reflect.Type) bool {
	return kind.Kind() == reflect.Float32 || kind.Kind() == reflect.Float64
}

// named is what a value is called in SQL.
func named(value any) string {
	switch value.(type) {
	case int64:
		return "bigint"
	case float64:
		return "float"
	case []byte:
		return "bytea"
	case time.Time:
		return "datetime"
	case []any:
		return "array"
	case map[string]any:
		return "struct"
	case bool:
		return "boolean"
	}
	return fmt.Sprintf("%T", value)
}
