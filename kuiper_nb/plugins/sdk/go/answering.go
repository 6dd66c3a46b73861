package sdk

import (
	"context"
	"fmt"

	"kuiper_nb/sdk/internal/column"
	"kuiper_nb/sdk/internal/wire"
)

const waiting = 64

// answerCalls hands each call to the goroutine of its function: those of one function are answered in order, one by
// one, those of several at the same time.
func (s *serving) answerCalls(ctx context.Context) {
	queues := map[string]chan *wire.Message{}
	for name, symbol := range s.functions {
		queue := make(chan *wire.Message, waiting)
		queues[name] = queue
		go func() {
			for message := range queue {
				s.call(symbol, message)
			}
		}()
		defer close(queue)
	}
	for {
		message, err := s.channels["calls"].Receive()
		if err != nil {
			return
		}
		if message.Kind != "call" {
			continue
		}
		queue, known := queues[message.Symbol]
		if !known {
			s.refuse(message, fmt.Errorf("there is no function %s", message.Symbol), "")
			continue
		}
		select {
		case queue <- message:
		case <-ctx.Done():
			return
		}
	}
}

func (s *serving) call(symbol *functionSymbol, message *wire.Message) {
	fields, payload, err := answered(symbol, message)
	if err == nil && s.most > 0 && len(payload) > s.most {
		err = fmt.Errorf("%d MiB of answers are more than one message may hold", len(payload)>>20)
	}
	if err != nil {
		s.refuse(message, err, symbol.where)
		return
	}
	if payload == nil {
		_ = s.channels["calls"].Send("answer", fields)
		return
	}
	_ = s.channels["calls"].Send("answer", fields, payload)
}

// refuse answers that the whole batch fails.
func (s *serving) refuse(message *wire.Message, err error, where string) {
	_ = s.channels["calls"].Send("answer", wire.Fields{
		"id": message.ID, "rows": message.Rows, "error": err.Error(), "where": whereOf(err, where),
	})
}

func answered(symbol *functionSymbol, message *wire.Message) (fields wire.Fields, payload []byte, err error) {
	defer caught(&err)
	fields = wire.Fields{"id": message.ID, "rows": message.Rows, "codec": "json"}
	args, err := column.Decode(message.Codec, message.Payload, message.Columns, message.Rows)
	if err != nil || message.Rows == 0 {
		return fields, nil, err
	}
	answer, failures, err := symbol.answer(args, message.Rows, message.Context)
	if err != nil {
		return nil, nil, err
	}
	fields["codec"], payload, err = answer.Encode()
	if len(failures) > 0 {
		told := make([][3]any, len(failures))
		for i, each := range failures {
			told[i] = [3]any{each.row, each.told, each.at}
		}
		fields["failures"] = told
	}
	return fields, payload, err
}
