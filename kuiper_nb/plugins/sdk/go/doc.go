// Package sdk is a plugin's side of kuiper_nb: functions, sources and sinks of SQL in a process of their own.
//
//	package main
//
//	import (
//		"os"
//
//		"kuiper_nb/sdk"
//	)
//
//	func main() {
//		sdk.Start(os.Args, &sdk.PluginConfig{
//			Name: "mirror",
//			Functions: map[string]sdk.NewFunctionFunc{
//				"fahrenheit": sdk.Of(func(c float64) float64 { return c*9/5 + 32 }),
//			},
//		})
//	}
//
// The interfaces are those of eKuiper's SDK for portable plugins: code for it needs other imports, and no more. What
// Of, Aggregate, Vectorized, SourceOf and SinkOf make of plain functions is for everything else.
package sdk
