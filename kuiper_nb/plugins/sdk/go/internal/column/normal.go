package column

import (
	"encoding/json"
	"reflect"
	"time"
)

// normal is a value in one of the types that a column holds: whatever Go calls a number, a list, an object.
func normal(value any) any {
	switch value := value.(type) {
	case nil, bool, int64, float64, string, []byte, time.Time, []any, map[string]any:
		return value
	case int:
		return int64(value)
	case float32:
		return float64(value)
	case json.Number:
		return number(value)
	}
	return reflected(reflect.ValueOf(value), value)
}

func reflected(of reflect.Value, value any) any {
	switch of.Kind() {
	case reflect.Bool:
		return of.Bool()
	case reflect.String:
		return of.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return of.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return whole(of.Uint())
	case reflect.Float32, reflect.Float64:
		return of.Float()
	case reflect.Pointer, reflect.Interface:
		if of.IsNil() {
			return nil
		}
		if of.Elem().Kind() != reflect.Struct {
			return normal(of.Elem().Interface())
		}
	case reflect.Slice, reflect.Array:
		if of.Kind() == reflect.Slice && of.Type().Elem().Kind() == reflect.Uint8 {
			return of.Bytes()
		}
		return elements(of)
	case reflect.Map:
		if of.Type().Key().Kind() == reflect.String {
			return entries(of)
		}
	}
	return throughJSON(value)
}

func elements(of reflect.Value) any {
	if of.Kind() == reflect.Slice && of.IsNil() {
		return nil
	}
	found := make([]any, of.Len())
	for i := range found {
		found[i] = normal(of.Index(i).Interface())
	}
	return found
}

func entries(of reflect.Value) any {
	if of.IsNil() {
		return nil
	}
	found := make(map[string]any, of.Len())
	for each := of.MapRange(); each.Next(); {
		found[each.Key().String()] = each.Value().Interface()
	}
	return found
}

// throughJSON is how a struct sees itself.
func throughJSON(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	found, err := ParseJSON(text)
	if err != nil {
		return value
	}
	return found
}
