package column

import (
	"encoding/base64"
	"fmt"
	"strconv"
)

// forms are the objects with one key that stand for what JSON has no form for.
var forms map[string]func(any) (any, error)

func init() { // refers to itself
	forms = map[string]func(any) (any, error){
		"$float":    func(inner any) (any, error) { return strconv.ParseFloat(text(inner), 64) },
		"$decimal":  func(inner any) (any, error) { return strconv.ParseFloat(text(inner), 64) },
		"$bytes":    func(inner any) (any, error) { return base64.StdEncoding.DecodeString(text(inner)) },
		"$datetime": moment,
		"$date":     moment,
		"$tuple":    parsed,
		"$numpy":    second,
		"$object":   pairs,
	}
}

// second is the value of a pair whose first part says of which type it was.
func second(inner any) (any, error) {
	if pair, ok := inner.([]any); ok && len(pair) == 2 {
		return parsed(pair[1])
	}
	return nil, fmt.Errorf("no pair: %v", inner)
}

// pairs are those of an object whose keys are no texts, or look like a form.
func pairs(inner any) (any, error) {
	list, _ := inner.([]any)
	found := make(map[string]any, len(list))
	for _, each := range list {
		pair, ok := each.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("no pair: %v", each)
		}
		key, err := parsed(pair[0])
		if err != nil {
			return nil, err
		}
		if found[text(key)], err = parsed(pair[1]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func text(value any) string {
	if found, ok := value.(string); ok {
		return found
	}
	return fmt.Sprint(value)
}
