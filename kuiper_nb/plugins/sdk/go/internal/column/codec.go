package column

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Decode reads columns of rows values each, as they came.
func Decode(codec string, payload [][]byte, columns, rows int) ([]Column, error) {
	if columns == 0 {
		return nil, nil
	}
	if len(payload) != 1 {
		return nil, fmt.Errorf("%d frames of payload, not one", len(payload))
	}
	var found []Column
	var err error
	switch codec {
	case "arrow":
		found, err = fromArrow(payload[0])
	case "json":
		found, err = fromJSON(payload[0])
	default:
		err = fmt.Errorf("an unknown codec %q", codec)
	}
	if err != nil {
		return nil, err
	}
	if len(found) != columns {
		return nil, fmt.Errorf("%d columns, not %d", len(found), columns)
	}
	for _, column := range found {
		if column.Len() != rows {
			return nil, fmt.Errorf("%d values for %d rows", column.Len(), rows)
		}
	}
	return found, nil
}

func fromArrow(payload []byte) ([]Column, error) {
	table, err := ReadTable(payload)
	if err != nil {
		return nil, err
	}
	found := make([]Column, table.NumCols())
	for i := range found {
		found[i] = OfArrow(table.Column(i))
	}
	return found, nil
}

func fromJSON(payload []byte) ([]Column, error) {
	value, err := ParseJSON(payload)
	if err != nil {
		return nil, err
	}
	lists, _ := value.([]any)
	found := make([]Column, len(lists))
	for i, list := range lists {
		values, ok := list.([]any)
		if !ok {
			return nil, fmt.Errorf("JSON that is no list of columns")
		}
		found[i] = Of(values)
	}
	return found, nil
}

// Answer is what a function has made of a batch: one value per row. Valid says which are no nulls; nil for all.
type Answer struct {
	Values any
	Valid  []bool
	NaN    bool // is null, as for whole columns
}

// Column is the answer as a column.
func (a Answer) Column() Column {
	if made := a.array(); made != nil {
		return OfArrow(made)
	}
	switch values := a.Values.(type) {
	case Column:
		return values
	case []any:
		return Of(a.normal(values))
	}
	values, _ := normal(a.Values).([]any)
	return Of(a.normal(values))
}

// Encode is the codec and the payload of an answer. Values of several types go as JSON.
func (a Answer) Encode() (string, []byte, error) {
	column := a.Column()
	if made := column.Arrow(); made != nil {
		text, err := stream(made.Len(), made)
		return "arrow", text, err
	}
	text, err := appendList([]byte{'['}, column.values)
	return "json", append(text, ']'), err
}

// array is the answer as an Arrow array, where its values lie in memory as Arrow has them; else nil.
func (a Answer) array() arrow.Array {
	switch values := a.Values.(type) {
	case arrow.Array:
		return values
	case []float64:
		return floatArray(values, a.Valid, a.NaN)
	case []int64:
		return intArray(values, a.Valid)
	case []string:
		return stringArray(values, a.Valid)
	case []bool:
		return boolArray(values, a.Valid)
	}
	return nil
}

func (a Answer) normal(values []any) []any {
	for row := range values {
		switch values[row].(type) {
		case nil, bool, int64, float64, string, time.Time:
		default:
			values[row] = normal(values[row])
		}
		if a.Valid != nil && !a.Valid[row] {
			values[row] = nil
		}
	}
	return values
}
