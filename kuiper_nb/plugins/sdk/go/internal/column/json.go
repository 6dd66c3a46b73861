package column

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// AppendJSON writes a value in JSON's own kinds; what JSON has no form for becomes an object with one key that begins
// with $. ParseJSON is the way back.
func AppendJSON(to []byte, value any) ([]byte, error) {
	switch value := normal(value).(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, value), nil
	case int64:
		return strconv.AppendInt(to, value, 10), nil
	case float64:
		return appendFloat(to, value), nil
	case string:
		return appendText(to, value), nil
	case []byte:
		to = append(to, `{"$bytes":"`...)
		to = base64.StdEncoding.AppendEncode(to, value)
		return append(to, `"}`...), nil
	case time.Time:
		return appendMoment(to, value), nil
	case []any:
		return appendList(to, value)
	case map[string]any:
		return appendObject(to, value)
	default:
		return to, fmt.Errorf("a %T has no form in JSON", value)
	}
}

func appendFloat(to []byte, value float64) []byte {
	switch {
	case math.IsNaN(value):
		return append(to, `{"$float":"nan"}`...)
	case math.IsInf(value, 1):
		return append(to, `{"$float":"inf"}`...)
	case math.IsInf(value, -1):
		return append(to, `{"$float":"-inf"}`...)
	}
	from := len(to)
	to = strconv.AppendFloat(to, value, 'g', -1, 64)
	if !bytes.ContainsAny(to[from:], ".e") {
		to = append(to, ".0"...) // else it would come back as a whole number
	}
	return to
}

func appendText(to []byte, value string) []byte {
	text, _ := json.Marshal(valid(value)) // a string always has a form
	return append(to, text...)
}

func appendList(to []byte, values []any) ([]byte, error) {
	var err error
	to = append(to, '[')
	for i, value := range values {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = AppendJSON(to, value); err != nil {
			return to, err
		}
	}
	return append(to, ']'), nil
}

func appendObject(to []byte, object map[string]any) ([]byte, error) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	open, between, end := "{", ":", "}"
	if len(names) == 1 && len(names[0]) > 0 && names[0][0] == '$' { // would be read as something else
		open, between, end = `{"$object":[[`, ",", "]]}"
	}
	var err error
	to = append(to, open...)
	for i, name := range names {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, name), between...)
		if to, err = AppendJSON(to, object[name]); err != nil {
			return to, err
		}
	}
	return append(to, end...), nil
}

// ParseJSON reads what AppendJSON, or the host, has written. Whole numbers are int64, others float64.
func ParseJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("not readable as JSON: %w", err)
	}
	return parsed(value)
}

func parsed(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case json.Number:
		return number(value), nil
	case []any:
		for i := range value {
			if value[i], err = parsed(value[i]); err != nil {
				return nil, err
			}
		}
		return value, nil
	case map[string]any:
		if len(value) == 1 {
			for key, inner := range value {
				if read, ok := forms[key]; ok {
					return read(inner)
				}
			}
		}
		for key := range value {
			if value[key], err = parsed(value[key]); err != nil {
				return nil, err
			}
		}
		return value, nil
	}
	return value, nil
}

func number(value json.Number) any {
	if whole, err := value.Int64(); err == nil {
		return whole
	}
	found, _ := value.Float64() // too large a number is infinite
	return found
}
