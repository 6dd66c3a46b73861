package sdk

import (
	"errors"
	"fmt"
	"sync"

	"kuiper_nb/sdk/internal/wire"
)

// running is a source or a sink that was started and not stopped.
type running interface {
	take(message *wire.Message)
	stop() error
}

// streams are those of a plugin, by their run.
type streams struct {
	config  *PluginConfig
	channel *wire.Channel
	most    int
	lock    sync.Mutex
	byRun   map[string]running
}

func (s *streams) start(message *wire.Message) error {
	_ = s.stop(message.Run)
	var started running
	var err error
	switch message.Type {
	case "source":
		make, known := s.config.Sources[message.Symbol]
		if !known {
			return fmt.Errorf("there is no source %s", message.Symbol)
		}
		started, err = startSource(make(), message, s.channel, s.most)
	case "sink":
		make, known := s.config.Sinks[message.Symbol]
		if !known {
			return fmt.Errorf("there is no sink %s", message.Symbol)
		}
		started, err = startSink(make(), message, s.channel)
	default:
		return fmt.Errorf("a %s cannot be started", message.Type)
	}
	if err != nil {
		return err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.byRun[message.Run] = started
	return nil
}

func (s *streams) stop(run string) error {
	s.lock.Lock()
	found := s.byRun[run]
	delete(s.byRun, run)
	s.lock.Unlock()
	if found == nil {
		return nil
	}
	return found.stop()
}

func (s *streams) close() {
	s.lock.Lock()
	var runs []string
	for run := range s.byRun {
		runs = append(runs, run)
	}
	s.lock.Unlock()
	for _, run := range runs {
		_ = s.stop(run)
	}
}

// exchange hands credits and items to those they are for, until the connection is lost.
func (s *streams) exchange() {
	for {
		message, err := s.channel.Receive()
		if err != nil {
			return
		}
		s.lock.Lock()
		found := s.byRun[message.Run]
		if found != nil {
			found.take(message)
		}
		s.lock.Unlock()
		if found == nil && message.Kind == "emit" {
			acknowledge(s.channel, message, errors.New(message.Run+" has not been started"), "")
		}
	}
}
