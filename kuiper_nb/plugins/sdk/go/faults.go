package sdk

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// fault is what went wrong in an author's code, and where: file:line.
type fault struct {
	told  string
	where string
}

// Error is what it says.
func (f *fault) Error() string { return f.told }

// caught turns a panic of the author's code into an error; it is deferred.
func caught(err *error) {
	if panicked := recover(); panicked != nil {
		*err = &fault{fmt.Sprint(panicked), panicPlace()}
	}
}

// panicPlace is where the panic that is being recovered from began.
func panicPlace() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		ours := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !ours {
			return place(frame)
		}
		panicking = panicking || frame.Function == "runtime.gopanic" || frame.Function == "runtime.sigpanic"
		if !more {
			return ""
		}
	}
}

// whereOf is the place of an error, or that of the function it came from.
func whereOf(err error, function string) string {
	if found, ok := err.(*fault); ok {
		return found.where
	}
	return function
}

// declared is where a function is written.
func declared(f reflect.Value) string {
	found := runtime.FuncForPC(f.Pointer())
	if found == nil {
		return ""
	}
	file, line := found.FileLine(found.Entry())
	return place(runtime.Frame{File: file, Line: line})
}

// method is where a method of an author's type is written; "" where the compiler made it up.
func method(of any, name string) string {
	found, ok := reflect.TypeOf(of).MethodByName(name)
	if !ok {
		return ""
	}
	return declared(found.Func)
}
