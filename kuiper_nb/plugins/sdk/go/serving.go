package sdk

import (
	"context"
	"fmt"
	"log/slog"

	"kuiper_nb/sdk/internal/wire"
)

// serving is one plugin and its host.
type serving struct {
	config    *PluginConfig
	functions map[string]*functionSymbol
	channels  map[string]*wire.Channel
	streams   *streams
	most      int
}

// serve meets the host and serves it until it says good-bye, or is gone: then it fails.
func serve(connection *wire.Connection, config *PluginConfig, functions map[string]*functionSymbol) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &serving{config: config, functions: functions, channels: map[string]*wire.Channel{}}
	for _, name := range wire.Channels {
		signed := wire.New(connection.Key, name, connection.Whole())
		channel, err := wire.Dial(ctx, connection.Addresses[name], connection.Spawn, signed)
		if err != nil {
			return err
		}
		defer channel.Close()
		s.channels[name] = channel
	}
	if err := s.meet(connection); err != nil {
		return err
	}
	least := slog.LevelInfo
	if config.Debug {
		least = slog.LevelDebug
	}
	slog.SetDefault(slog.New(&logHandler{channel: s.channels["log"], least: least}))
	s.streams = &streams{config: config, channel: s.channels["data"], most: s.most, byRun: map[string]running{}}
	defer s.streams.close()
	go s.streams.exchange()
	go s.answerCalls(ctx)
	return s.control()
}

// meet says hello, is welcomed, and joins the other channels.
func (s *serving) meet(connection *wire.Connection) error {
	nonce := wire.Nonce()
	control := s.channels["control"]
	if err := control.Send("hello", hello(s.config, s.functions, connection.Spawn, nonce)); err != nil {
		return err
	}
	for {
		welcome, err := control.Receive()
		if err != nil {
			return err
		}
		if welcome.Kind != "welcome" {
			continue
		}
		s.most = welcome.Limits.Message
		key := wire.SessionKey(connection.Key, nonce, welcome.Nonce)
		for name, channel := range s.channels {
			channel.Renew(key)
			if name != "control" {
				if err := channel.Send("join", nil); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// control does what the host asks for, one after the other.
func (s *serving) control() error {
	control := s.channels["control"]
	for {
		message, err := control.Receive()
		if err != nil {
			return err
		}
		if message.Kind == "bye" {
			return nil
		}
		fields, err := s.done(message)
		kind := "ok"
		if err != nil {
			kind, fields = "failed", wire.Fields{"error": err.Error(), "where": whereOf(err, "")}
		}
		fields["id"] = message.ID
		if err := control.Send(kind, fields); err != nil {
			return err
		}
	}
}

func (s *serving) done(message *wire.Message) (wire.Fields, error) {
	switch message.Kind {
	case "validate":
		symbol := s.functions[message.Symbol]
		if symbol == nil {
			return wire.Fields{"against": "no such function"}, nil
		}
		against, err := symbol.validate(message.Arguments)
		return wire.Fields{"against": against}, err
	case "start":
		return wire.Fields{}, s.streams.start(message)
	case "stop":
		return wire.Fields{}, s.streams.stop(message.Run)
	}
	return nil, fmt.Errorf("%s is not known", message.Kind)
}

// validate is what a function has against its arguments.
func (s *functionSymbol) validate(arguments []any) (against string, err error) {
	defer caught(&err)
	if why := s.function.Validate(arguments); why != nil {
		against = why.Error()
	}
	return against, nil
}
