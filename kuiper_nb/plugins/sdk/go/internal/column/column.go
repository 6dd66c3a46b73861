// Package column holds the columns of a batch, and how they travel: as Arrow, or as JSON where Arrow has no form.
package column

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Column is one argument of a batch: a value per row. Its values are int64, float64, string, bool, []byte, time.Time,
// []any, map[string]any, and nil for null.
type Column struct {
	array  arrow.Array
	values []any
	read   func(row int) any
}

// OfArrow is the column of an Arrow array.
func OfArrow(values arrow.Array) Column {
	return Column{array: values, read: reader(values)}
}

// Of is the column of values.
func Of(values []any) Column {
	return Column{values: values, read: func(row int) any { return values[row] }}
}

// Len is how many rows it has.
func (c Column) Len() int {
	if c.array != nil {
		return c.array.Len()
	}
	return len(c.values)
}

// Value is that of a row; nil where it is null.
func (c Column) Value(row int) any {
	return c.read(row)
}

// Null says whether the value of a row is null.
func (c Column) Null(row int) bool {
	if c.array != nil {
		return c.array.IsNull(row)
	}
	return c.values[row] == nil
}

// Arrow is the column as an Arrow array; nil for values of several types.
func (c Column) Arrow() arrow.Array {
	if c.array != nil {
		return c.array
	}
	made, _ := arrayOf(c.values)
	return made
}

// Values are those of all rows.
func (c Column) Values() []any {
	if c.values != nil {
		return c.values
	}
	found := make([]any, c.Len())
	for row := range found {
		found[row] = c.read(row)
	}
	return found
}

// Floats are all values as numbers, null as NaN; false when some are none. They must not be changed.
func (c Column) Floats() ([]float64, bool) {
	if floats, ok := c.array.(*array.Float64); ok && floats.NullN() == 0 {
		return floats.Float64Values(), true
	}
	return numbers(c, math.NaN(), func(value any) (float64, bool) {
		switch value := value.(type) {
		case float64:
			return value, true
		case int64:
			return float64(value), true
		}
		return 0, false
	})
}

// Ints are all values as whole numbers; false when some are none, or null. They must not be changed.
func (c Column) Ints() ([]int64, bool) {
	if ints, ok := c.array.(*array.Int64); ok && ints.NullN() == 0 {
		return ints.Int64Values(), true
	}
	return plain[int64](c)
}

// Strings are all values as texts; false when some are none, or null.
func (c Column) Strings() ([]string, bool) {
	return plain[string](c)
}

// Bools are all truth values; false when some are none, or null.
func (c Column) Bools() ([]bool, bool) {
	return plain[bool](c)
}

// Times are all moments; false when some are none, or null.
func (c Column) Times() ([]time.Time, bool) {
	return plain[time.Time](c)
}

// Slice is the rows from first to before end.
func (c Column) Slice(first, end int) Column {
	if c.array != nil {
		return OfArrow(array.NewSlice(c.array, int64(first), int64(end)))
	}
	return Of(c.values[first:end])
}

func plain[T any](c Column) ([]T, bool) {
	found := make([]T, c.Len())
	for row := range found {
		value, ok := c.read(row).(T)
		if !ok {
			return nil, false
		}
		found[row] = value
	}
	return found, true
}

func numbers(c Column, null float64, as func(any) (float64, bool)) ([]float64, bool) {
	found := make([]float64, c.Len())
	for row := range found {
		value := c.read(row)
		if value == nil {
			found[row] = null
			continue
		}
		number, ok := as(value)
		if !ok {
			return nil, false
		}
		found[row] = number
	}
	return found, true
}
