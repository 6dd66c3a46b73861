package column

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// stream is arrays as an Arrow IPC stream with the columns c0, c1, …
func stream(rows int, arrays ...arrow.Array) ([]byte, error) {
	fields := make([]arrow.Field, len(arrays))
	for i, each := range arrays {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: each.DataType(), Nullable: true}
	}
	return TableBytes(array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(rows)))
}

// TableBytes is a table as an Arrow IPC stream.
func TableBytes(table arrow.RecordBatch) ([]byte, error) {
	var buffer bytes.Buffer
	writer := ipc.NewWriter(&buffer, ipc.WithSchema(table.Schema()))
	if err := writer.Write(table); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// ReadTable reads an Arrow IPC stream as one record batch.
func ReadTable(payload []byte) (table arrow.RecordBatch, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("not readable as Arrow: %v", panicked)
		}
	}()
	read, err := ipc.NewReader(bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	var batches []arrow.RecordBatch
	for read.Next() {
		batch := read.RecordBatch()
		batch.Retain()
		batches = append(batches, batch)
	}
	if err := read.Err(); err != nil {
		return nil, err
	}
	if len(batches) == 1 {
		return batches[0], nil
	}
	return joined(read.Schema(), batches)
}

func joined(schema *arrow.Schema, batches []arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, schema.NumFields())
	rows := int64(0)
	for _, batch := range batches {
		rows += batch.NumRows()
	}
	for i := range columns {
		parts := make([]arrow.Array, len(batches))
		for j, batch := range batches {
			parts[j] = batch.Column(i)
		}
		if len(parts) == 0 {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, schema.Field(i).Type, 0)
			continue
		}
		whole, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		columns[i] = whole
	}
	return array.NewRecordBatch(schema, columns, rows), nil
}

// arrayOf is values as an Arrow array; false for values of several types, or of one that Arrow would change.
func arrayOf(values []any) (arrow.Array, bool) {
	kind := kindOf(values)
	if kind == nil {
		return nil, false
	}
	builder := array.NewBuilder(memory.DefaultAllocator, kind)
	builder.Reserve(len(values))
	for _, value := range values {
		add(builder, value)
	}
	return builder.NewArray(), true
}

// kindOf is the one type of all values that are not null; nil when there are several.
func kindOf(values []any) arrow.DataType {
	var kind arrow.DataType = arrow.Null
	for _, value := range values {
		if value == nil {
			continue
		}
		one := typeOf(value)
		switch {
		case one == nil:
			return nil
		case kind == arrow.Null || arrow.TypeEqual(kind, one):
			kind = one
		case !grown(&kind, one):
			return nil
		}
	}
	return kind
}

// grown makes a list of nothing but nulls a list of what other lists hold.
func grown(kind *arrow.DataType, one arrow.DataType) bool {
	left, list := (*kind).(*arrow.ListType)
	right, other := one.(*arrow.ListType)
	if !list || !other {
		return false
	}
	if left.Elem() == arrow.Null {
		*kind = one
		return true
	}
	return right.Elem() == arrow.Null
}

func typeOf(value any) arrow.DataType {
	switch value := value.(type) {
	case float64:
		return arrow.PrimitiveTypes.Float64
	case int64:
		return arrow.PrimitiveTypes.Int64
	case string:
		return arrow.BinaryTypes.String
	case bool:
		return arrow.FixedWidthTypes.Boolean
	case []byte:
		return arrow.BinaryTypes.Binary
	case time.Time:
		if zone := value.Location(); zone == naive || zone == time.UTC {
			return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone.String()}
		}
	case []any:
		if kind := kindOf(value); kind != nil && !arrow.IsNested(kind.ID()) && kind.ID() != arrow.TIMESTAMP {
			return arrow.ListOf(kind)
		}
	}
	return nil
}

func add(builder array.Builder, value any) {
	if value == nil {
		builder.AppendNull()
		return
	}
	switch builder := builder.(type) {
	case *array.Float64Builder:
		builder.Append(value.(float64))
	case *array.Int64Builder:
		builder.Append(value.(int64))
	case *array.StringBuilder:
		builder.Append(valid(value.(string)))
	case *array.BooleanBuilder:
		builder.Append(value.(bool))
	case *array.BinaryBuilder:
		builder.Append(value.([]byte))
	case *array.TimestampBuilder:
		builder.Append(arrow.Timestamp(value.(time.Time).UnixMicro()))
	case *array.ListBuilder:
		builder.Append(true)
		for _, each := range value.([]any) {
			add(builder.ValueBuilder(), each)
		}
	}
}

// floatArray is floats as they lie in memory; valid says which are no nulls, nil for all. With nan, NaN is null.
func floatArray(values []float64, valid []bool, nan bool) arrow.Array {
	if nan {
		valid = withoutNaN(values, valid)
	}
	if valid == nil {
		return fixed(arrow.PrimitiveTypes.Float64, len(values), arrow.Float64Traits.CastToBytes(values))
	}
	builder := array.NewFloat64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, valid)
	return builder.NewArray()
}

func withoutNaN(values []float64, valid []bool) []bool {
	for row, value := range values {
		if math.IsNaN(value) {
			if valid == nil {
				valid = make([]bool, len(values))
				for i := range valid {
					valid[i] = true
				}
			}
			valid[row] = false
		}
	}
	return valid
}

func intArray(values []int64, valid []bool) arrow.Array {
	if valid == nil {
		return fixed(arrow.PrimitiveTypes.Int64, len(values), arrow.Int64Traits.CastToBytes(values))
	}
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, valid)
	return builder.NewArray()
}

func stringArray(values []string, present []bool) arrow.Array {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.Reserve(len(values))
	for row, value := range values {
		if present != nil && !present[row] {
			builder.AppendNull()
			continue
		}
		builder.Append(valid(value))
	}
	return builder.NewArray()
}

// valid is a text without bytes that are none: Arrow with such is refused.
func valid(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	return strings.ToValidUTF8(value, "\ufffd")
}

func boolArray(values []bool, valid []bool) arrow.Array {
	builder := array.NewBooleanBuilder(memory.DefaultAllocator)
	builder.AppendValues(values, valid)
	return builder.NewArray()
}

func fixed(kind arrow.DataType, rows int, bytes []byte) arrow.Array {
	return array.MakeFromData(array.NewData(kind, rows, []*memory.Buffer{nil, memory.NewBufferBytes(bytes)}, nil, 0, 0))
}
