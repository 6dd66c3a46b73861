package sdk

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kuiper_nb/sdk/internal/wire"
)

// Start serves what conf names until the host says good-bye. The host starts the process with the path of a connection
// file as its first argument. One that was started by hand writes such a file, and says where, for
// `%kuiper plugin attach`; where its host goes without a good-bye, it waits for another.
func Start(args []string, conf *PluginConfig) {
	functions := make(map[string]*functionSymbol, len(conf.Functions))
	for name, make := range conf.Functions {
		functions[name] = newFunctionSymbol(name, make())
	}
	if len(args) > 1 && strings.HasSuffix(args[1], ".json") {
		connection, err := wire.ReadConnection(args[1])
		if err != nil {
			fail(conf, err)
		}
		go endWithHost()
		if err := serve(connection, conf, functions); err != nil {
			fail(conf, err)
		}
		return
	}
	byHand(conf, functions)
}

func byHand(conf *PluginConfig, functions map[string]*functionSymbol) {
	connection, path, err := wire.MakeConnection(conf.Name)
	if err != nil {
		fail(conf, err)
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(path)) }()
	for err := error(io.EOF); err != nil; err = serve(connection, conf, functions) {
		fmt.Printf("plugin %s (pid %d) waits for its host: %%kuiper plugin attach %s\n", conf.Name, os.Getpid(), path)
	}
}

// endWithHost ends the process with its host, which holds the other end of its standard input.
func endWithHost() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func fail(conf *PluginConfig, err error) {
	fmt.Fprintf(os.Stderr, "plugin %s: %s\n", conf.Name, err)
	os.Exit(1)
}

// hello is what the plugin says first.
func hello(conf *PluginConfig, functions map[string]*functionSymbol, spawn, nonce string) wire.Fields {
	symbols := []wire.Fields{}
	for _, name := range sorted(functions) {
		symbols = append(symbols, functions[name].hello(conf.Help[name]))
	}
	for _, name := range sorted(conf.Sources) {
		symbols = append(symbols, wire.Fields{"name": name, "type": "source", "help": conf.Help[name]})
	}
	for _, name := range sorted(conf.Sinks) {
		takes := "bytes"
		if choosy, ok := conf.Sinks[name]().(interface{ Takes() string }); ok {
			takes = choosy.Takes()
		}
		symbols = append(symbols, wire.Fields{"name": name, "type": "sink", "help": conf.Help[name], "takes": takes})
	}
	return wire.Fields{
		"wire": wire.Version, "spawn": spawn, "nonce": nonce, "name": conf.Name, "version": conf.Version,
		"language": "go", "sdk": sdkVersion(), "codecs": []string{"arrow", "json"}, "symbols": symbols,
	}
}

func (s *functionSymbol) hello(help string) wire.Fields {
	arity, parameters := [2]any{0, nil}, []string{}
	if of, ok := s.function.(interface{ arity() (int, *int) }); ok {
		least, most := of.arity()
		arity = [2]any{least, most}
	}
	_, vectorized := s.function.(BatchFunction)
	return wire.Fields{
		"name": s.name, "type": "function", "help": help, "arity": arity, "parameters": parameters,
		"aggregate": s.function.IsAggregate(), "vectorized": vectorized,
	}
}

func sorted[V any](of map[string]V) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
