// A plugin that speaks eKuiper's wire as eKuiper's Go SDK does, on the library that the SDK is built on.
//
// What the SDK does differently from the Python one is done here as well: it knows no instances, acknowledges nothing,
// encodes the errors of sources twice, says `symbol … not found` for what has stopped already, and goes on reading a sink
// that was stopped, for ever.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pull"
	"go.nanomsg.org/mangos/v3/protocol/push"
	"go.nanomsg.org/mangos/v3/protocol/req"
	_ "go.nanomsg.org/mangos/v3/transport/ipc"
)

type meta struct {
	RuleId     string `json:"ruleId"`
	OpId       string `json:"opId"`
	InstanceId int    `json:"instanceId"`
	FuncId     int    `json:"funcId"`
}

func (m meta) url(suffix string) string {
	return fmt.Sprintf("ipc:///tmp/%s_%s_0%s.ipc", m.RuleId, m.OpId, suffix)
}

type control struct {
	SymbolName string         `json:"symbolName"`
	Meta       meta           `json:"meta"`
	PluginType string         `json:"pluginType"`
	DataSource string         `json:"dataSource"`
	Config     map[string]any `json:"config"`
}

func (c control) key() string {
	return fmt.Sprintf("%s_%s_%d_%s", c.Meta.RuleId, c.Meta.OpId, c.Meta.InstanceId, c.SymbolName)
}

type running struct {
	socket mangos.Socket
	done   chan struct{}
}

var (
	lock    sync.Mutex
	started = map[string]*running{}
	seen    = map[meta]int{}
)

// talk dials, says handshake, and answers what comes back, for ever.
func talk(url string, answer func([]byte) []byte) error {
	socket, err := req.NewSocket()
	if err != nil {
		return err
	}
	_ = socket.SetOption(mangos.OptionRetryTime, time.Duration(0))
	if err := socket.Dial(url); err != nil {
		return err
	}
	said := []byte("handshake")
	for {
		if err := socket.Send(said); err != nil {
			return err
		}
		heard, err := socket.Recv()
		if err != nil {
			return err
		}
		said = answer(heard)
	}
}

func obey(raw []byte) []byte {
	var command struct{ Cmd, Arg string }
	var c control
	if err := json.Unmarshal(raw, &command); err != nil {
		return []byte(err.Error())
	}
	if err := json.Unmarshal([]byte(command.Arg), &c); err != nil {
		return []byte(err.Error())
	}
	if command.Cmd == "stop" {
		lock.Lock()
		defer lock.Unlock()
		r, ok := started[c.key()]
		if !ok {
			return []byte(fmt.Sprintf("symbol %s not found", c.key()))
		}
		delete(started, c.key())
		close(r.done)
		_ = r.socket.Close()
		return []byte("ok")
	}
	if err := start(c); err != nil {
		return []byte(err.Error())
	}
	return []byte("ok")
}

func start(c control) error {
	switch {
	case c.PluginType == "func" && functions[c.SymbolName] != nil:
		go func() {
			fmt.Fprintln(os.Stderr, talk("ipc:///tmp/func_"+c.SymbolName+".ipc", func(raw []byte) []byte { return compute(c.SymbolName, raw) }))
		}()
		return nil
	case c.PluginType == "source" && (c.SymbolName == "count" || c.SymbolName == "endless"):
		if c.Config["refuse"] == true {
			return fmt.Errorf("no %s here", c.DataSource)
		}
		socket, err := push.NewSocket()
		if err != nil {
			return err
		}
		if err := socket.Dial(c.Meta.url("")); err != nil {
			return err
		}
		go feed(c, kept(c, socket))
		return nil
	case c.PluginType == "sink" && c.SymbolName == "keep":
		socket, err := pull.NewSocket()
		if err != nil {
			return err
		}
		if err := socket.Listen(c.Meta.url("")); err != nil {
			return err
		}
		go drain(c, kept(c, socket))
		return nil
	}
	return fmt.Errorf("symbol not found")
}

func kept(c control, socket mangos.Socket) *running {
	lock.Lock()
	defer lock.Unlock()
	r := &running{socket, make(chan struct{})}
	started[c.key()] = r
	return r
}

func forget(c control, r *running) {
	lock.Lock()
	defer lock.Unlock()
	if started[c.key()] == r {
		delete(started, c.key())
		_ = r.socket.Close()
	}
}

func feed(c control, r *running) {
	rows, limited := 3.0, c.SymbolName == "count"
	if n, ok := c.Config["rows"].(float64); ok {
		rows = n
	}
	for n := 0.0; !limited || n < rows; n++ {
		message := map[string]any{"n": n, "from": c.DataSource, "rule": c.Meta.RuleId}
		raw, _ := json.Marshal(map[string]any{"message": message, "meta": map[string]any{"at": n}})
		if r.socket.Send(raw) != nil {
			return
		}
		select {
		case <-r.done:
			return
		default:
		}
	}
	if c.Config["fail"] == true {
		raw, _ := json.Marshal(fmt.Sprintf("{\"error\":\"%v\"}", fmt.Errorf("the sensor is gone")))
		_ = r.socket.Send(raw)
	}
	time.Sleep(50 * time.Millisecond) // mangos drops what is not written when it closes
	forget(c, r)
}

func drain(c control, r *running) {
	path, _ := c.Config["path"].(string)
	for {
		item, err := r.socket.Recv()
		if err == mangos.ErrClosed {
			continue
		}
		if err != nil {
			return
		}
		if string(item) == "bad" {
			fmt.Fprintln(os.Stderr, "collect error: bad is not good")
			forget(c, r)
			return
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		_, _ = file.Write(append(item, '\n'))
		_ = file.Close()
	}
}

var functions = map[string]func([]any, meta) (any, bool){
	"echo": func(args []any, _ meta) (any, bool) { return args[0], true },
	"kinds": func(args []any, _ meta) (any, bool) {
		var kinds []string
		for _, a := range args {
			kinds = append(kinds, fmt.Sprintf("%T", a))
		}
		return strings.Join(kinds, ","), true
	},
	"pair": func(args []any, _ meta) (any, bool) { return args, true },
	"total": func(args []any, _ meta) (any, bool) {
		sum := 0.0
		for _, a := range args[0].([]any) {
			sum += a.(float64)
		}
		return sum, true
	},
	"whose": func(_ []any, m meta) (any, bool) {
		seen[m]++
		return map[string]any{"rule": m.RuleId, "op": m.OpId, "instance": m.InstanceId, "seen": seen[m]}, true
	},
	"picky": func(args []any, _ meta) (any, bool) {
		if args[0] == "bad" {
			return fmt.Errorf("bad is not good"), false // as JSON: {}
		}
		if args[0] == "worse" {
			return "worse is not good", false
		}
		return args[0], true
	},
	"deadly": func(args []any, _ meta) (any, bool) {
		switch args[0] {
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "exit":
			os.Exit(3)
		case "hang":
			select {}
		}
		return args[0], true
	},
}

func compute(name string, raw []byte) []byte {
	var request struct {
		Func string
		Arg  []any
	}
	if err := json.Unmarshal(raw, &request); err != nil {
		return reply(false, err.Error())
	}
	switch request.Func {
	case "Validate":
		if name == "pair" && len(request.Arg) != 2 {
			return reply(false, fmt.Sprintf("pair takes two arguments, not %d", len(request.Arg)))
		}
		return reply(true, "")
	case "IsAggregate":
		return reply(true, name == "total")
	}
	var m meta
	last := len(request.Arg) - 1
	context, ok := request.Arg[last].(string)
	if !ok || json.Unmarshal([]byte(context), &m) != nil || m.RuleId == "" || m.OpId == "" {
		return reply(false, "no context")
	}
	if name == "deadly" && request.Arg[0] == "garbage" {
		return []byte("\x00\x01 no answer")
	}
	result, state := functions[name](request.Arg[:last], m)
	return reply(state, result)
}

func reply(state bool, result any) []byte {
	raw, _ := json.Marshal(map[string]any{"state": state, "result": result})
	return raw
}

func main() {
	name := os.Getenv("ZOO_NAME")
	if name == "" {
		name = "zoo"
	}
	fmt.Println("arguments", os.Args[1:])
	fmt.Fprintln(os.Stderr, talk("ipc:///tmp/plugin_"+name+".ipc", obey))
	os.Exit(1)
}
