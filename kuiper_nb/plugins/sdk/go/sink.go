package sdk

import (
	"kuiper_nb/sdk/internal/column"
	"kuiper_nb/sdk/internal/wire"
)

// runningSink is a sink at work: items one after the other, each acknowledged.
type runningSink struct {
	sink    Sink
	channel *wire.Channel
	ctx     *streamContext
	items   chan *wire.Message
	closed  chan error
	where   string
}

func startSink(made Sink, message *wire.Message, channel *wire.Channel) (running, error) {
	ctx := newContext(message.Meta, symbolLogger{message.Symbol})
	if err := opened(made, message, ctx); err != nil {
		return nil, err
	}
	started := &runningSink{
		sink: made, channel: channel, ctx: ctx, where: method(made, "Collect"),
		items: make(chan *wire.Message, ahead), closed: make(chan error, 1),
	}
	go started.collect()
	return started, nil
}

func opened(made Sink, message *wire.Message, ctx StreamContext) (err error) {
	defer caught(&err)
	if err := made.Configure(message.Config); err != nil {
		return err
	}
	return made.Open(ctx)
}

func (s *runningSink) collect() {
	for message := range s.items {
		acknowledge(s.channel, message, s.one(message), s.where)
	}
	s.closed <- s.close()
}

func (s *runningSink) one(message *wire.Message) (err error) {
	data, err := decoded(message)
	if err != nil {
		return err
	}
	defer caught(&err)
	return s.sink.Collect(s.ctx, data)
}

func (s *runningSink) close() (err error) {
	defer caught(&err)
	return s.sink.Close(s.ctx)
}

func (s *runningSink) take(message *wire.Message) {
	if message.Kind == "emit" {
		s.items <- message
	}
}

// stop closes the sink after what it has been handed.
func (s *runningSink) stop() error {
	close(s.items)
	return <-s.closed
}

func acknowledge(channel *wire.Channel, message *wire.Message, err error, where string) {
	fields := wire.Fields{"id": message.ID}
	if err != nil {
		fields["error"], fields["where"] = err.Error(), whereOf(err, where)
	}
	_ = channel.Send("ack", fields)
}

func decoded(message *wire.Message) (any, error) {
	if len(message.Payload) != 1 {
		return nil, &fault{told: "an item is one frame of payload"}
	}
	switch message.Codec {
	case "bytes":
		return message.Payload[0], nil
	case "arrow":
		return column.ReadTable(message.Payload[0])
	case "json":
		return column.ParseJSON(message.Payload[0])
	}
	return nil, &fault{told: "an unknown codec " + message.Codec}
}
