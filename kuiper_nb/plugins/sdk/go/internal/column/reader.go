package column

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// reader is how to read the values of an Arrow array.
func reader(values arrow.Array) func(row int) any {
	read := readerOf(values)
	if values.NullN() == 0 {
		return read
	}
	return func(row int) any {
		if values.IsNull(row) {
			return nil
		}
		return read(row)
	}
}

func readerOf(values arrow.Array) func(row int) any {
	switch values := values.(type) {
	case *array.Float64:
		return func(row int) any { return values.Value(row) }
	case *array.Int64:
		return func(row int) any { return values.Value(row) }
	case *array.String:
		return func(row int) any { return values.Value(row) }
	case *array.LargeString:
		return func(row int) any { return values.Value(row) }
	case *array.StringView:
		return func(row int) any { return values.Value(row) }
	case *array.Boolean:
		return func(row int) any { return values.Value(row) }
	case *array.Binary:
		return func(row int) any { return values.Value(row) }
	case *array.LargeBinary:
		return func(row int) any { return values.Value(row) }
	case *array.FixedSizeBinary:
		return func(row int) any { return values.Value(row) }
	case *array.Null:
		return func(int) any { return nil }
	case *array.Struct, *array.Map, *array.Dictionary:
		return nestedReader(values)
	case array.ListLike:
		return listReader(values)
	}
	return narrowReader(values)
}

// narrowReader reads numbers of other widths, and moments.
func narrowReader(values arrow.Array) func(row int) any {
	switch values := values.(type) {
	case *array.Int8:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Int16:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Int32:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Uint8:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Uint16:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Uint32:
		return func(row int) any { return int64(values.Value(row)) }
	case *array.Uint64:
		return func(row int) any { return whole(values.Value(row)) }
	case *array.Float32:
		return func(row int) any { return float64(values.Value(row)) }
	case *array.Float16:
		return func(row int) any { return float64(values.Value(row).Float32()) }
	case *array.Timestamp:
		kind := values.DataType().(*arrow.TimestampType)
		zone := timestampZone(kind.TimeZone)
		return func(row int) any { return values.Value(row).ToTime(kind.Unit).In(zone) }
	case *array.Date32:
		return func(row int) any { return values.Value(row).ToTime().In(naive) }
	case *array.Date64:
		return func(row int) any { return values.Value(row).ToTime().In(naive) }
	case *array.Decimal128:
		scale := values.DataType().(*arrow.Decimal128Type).Scale
		return func(row int) any { return values.Value(row).ToFloat64(scale) }
	}
	return func(row int) any { return values.ValueStr(row) }
}

func nestedReader(values arrow.Array) func(row int) any {
	switch values := values.(type) {
	case *array.Struct:
		return structReader(values)
	case *array.Map:
		keys, items := reader(values.Keys()), reader(values.Items())
		return func(row int) any {
			first, end := values.ValueOffsets(row)
			found := make(map[string]any, end-first)
			for at := int(first); at < int(end); at++ {
				found[text(keys(at))] = items(at)
			}
			return found
		}
	case *array.Dictionary:
		read := reader(values.Dictionary())
		return func(row int) any { return read(values.GetValueIndex(row)) }
	}
	return nil
}

func structReader(values *array.Struct) func(row int) any {
	names := make([]string, values.NumField())
	reads := make([]func(int) any, values.NumField())
	for i, field := range values.DataType().(*arrow.StructType).Fields() {
		names[i], reads[i] = field.Name, reader(values.Field(i))
	}
	return func(row int) any {
		found := make(map[string]any, len(names))
		for i, name := range names {
			found[name] = reads[i](row)
		}
		return found
	}
}

func listReader(values array.ListLike) func(row int) any {
	read := reader(values.ListValues())
	return func(row int) any {
		first, end := values.ValueOffsets(row)
		found := make([]any, 0, end-first)
		for at := int(first); at < int(end); at++ {
			found = append(found, read(at))
		}
		return found
	}
}

func whole(value uint64) any {
	if value > 1<<63-1 {
		return float64(value)
	}
	return int64(value)
}
