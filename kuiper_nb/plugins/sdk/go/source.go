package sdk

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"kuiper_nb/sdk/internal/column"
	"kuiper_nb/sdk/internal/wire"
)

const (
	ahead    = 1024 // tuples a source may be ahead of what has been sent
	together = 1024 // rows of one message, where they come one by one faster than they can be sent
)

// runningSource is a source at work. What it sends waits where the host has not given credit for more.
type runningSource struct {
	run      string
	source   Source
	channel  *wire.Channel
	most     int
	ctx      *streamContext
	cancel   context.CancelFunc
	consumer chan SourceTuple
	errors   chan error
	credit   atomic.Int64
	credited chan struct{}
	next     SourceTuple   // taken from consumer, to be sent with the next message
	opened   chan struct{} // closed when Open has returned
	closing  sync.Once
	closed   error
	where    string
}

func startSource(made Source, message *wire.Message, channel *wire.Channel, most int) (running, error) {
	if err := configured(made, message); err != nil {
		return nil, err
	}
	ctx := newContext(message.Meta, symbolLogger{message.Symbol})
	cancellable, cancel := ctx.WithCancel()
	started := &runningSource{
		run: message.Run, source: made, channel: channel, most: most,
		ctx: cancellable.(*streamContext), cancel: cancel,
		consumer: make(chan SourceTuple, ahead), errors: make(chan error), credited: make(chan struct{}, 1),
		opened: make(chan struct{}), where: method(made, "Open"),
	}
	started.credit.Store(int64(max(message.Credits, 1)))
	go started.open()
	go started.work()
	return started, nil
}

func configured(made Source, message *wire.Message) (err error) {
	defer caught(&err)
	return made.Configure(message.Datasource, message.Config)
}

// open runs the author's Open, which may return and go on sending from goroutines of its own.
func (s *runningSource) open() {
	defer close(s.opened)
	var err error
	func() {
		defer caught(&err)
		s.source.Open(s.ctx, s.consumer, s.errors)
	}()
	if err != nil {
		select {
		case s.errors <- err:
		case <-s.ctx.Done():
		}
	}
}

// work is all of its life: it may have ended, or failed, long before it is stopped.
func (s *runningSource) work() {
	s.forward()
	_ = s.close()
	for range 2 * ahead { // an author who is sending looks at the context once he could
		select {
		case <-s.consumer:
		case <-s.errors:
		case <-s.opened:
			return
		}
	}
}

// forward sends what the source has sent, until it ends, fails or is stopped.
func (s *runningSource) forward() {
	for {
		select {
		case tuple := <-s.consumer:
			if !s.send(tuple) {
				return
			}
		case err := <-s.errors:
			s.drain(err)
			return
		case <-s.ctx.Done():
			return
		}
		for s.next != nil {
			tuple := s.next
			s.next = nil
			if !s.send(tuple) {
				return
			}
		}
	}
}

// drain sends what came before an error, and then the error.
func (s *runningSource) drain(err error) {
	for {
		select {
		case tuple := <-s.consumer:
			if !s.send(tuple) {
				return
			}
			continue
		default:
		}
		break
	}
	if s.next != nil && !s.send(s.next) {
		return
	}
	s.fault(err)
}

func (s *runningSource) fault(err error) {
	_ = s.channel.Send("fault", wire.Fields{"run": s.run, "error": err.Error(), "where": whereOf(err, s.where)})
}

// send sends a tuple when there is credit for it, and answers whether more may follow.
func (s *runningSource) send(tuple SourceTuple) bool {
	if _, ended := tuple.(endOf); ended {
		_ = s.channel.Send("end", wire.Fields{"run": s.run})
		return false
	}
	for s.credit.Load() <= 0 {
		select {
		case <-s.credited:
		case <-s.ctx.Done():
			return false
		}
	}
	codec, payload, err := encoded(s.gathered(tuple))
	if err == nil && s.most > 0 && len(payload) > s.most {
		err = fmt.Errorf("%d MiB of rows are more than one message may hold", len(payload)>>20)
	}
	if err != nil {
		s.fault(err)
		return false
	}
	fields := wire.Fields{"run": s.run, "codec": codec}
	if meta := tuple.Meta(); len(meta) > 0 {
		fields["meta"] = meta
	}
	s.credit.Add(-1)
	if err := s.channel.Send("rows", fields, payload); err != nil {
		s.fault(err)
		return false
	}
	return true
}

// gathered is what to send: a row with those of the same metadata that wait behind it, or an item.
func (s *runningSource) gathered(tuple SourceTuple) any {
	if other, ok := tuple.(*item); ok {
		return other.data
	}
	rows := []any{tuple.Message()}
	for len(rows) < together && s.next == nil {
		select {
		case next := <-s.consumer:
			if !alike(tuple, next) {
				s.next = next
				break
			}
			rows = append(rows, next.Message())
			continue
		default:
		}
		break
	}
	if len(rows) == 1 {
		return rows[0]
	}
	return rows
}

// alike says whether two tuples are rows with the same metadata.
func alike(first, second SourceTuple) bool {
	switch second.(type) {
	case *item, endOf:
		return false
	}
	a, b := first.Meta(), second.Meta()
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

func encoded(data any) (string, []byte, error) {
	switch data := data.(type) {
	case []byte:
		return "bytes", data, nil
	case arrow.RecordBatch:
		payload, err := column.TableBytes(data)
		return "arrow", payload, err
	}
	payload, err := column.AppendJSON(nil, data)
	return "json", payload, err
}

func (s *runningSource) take(message *wire.Message) {
	if message.Kind != "credit" {
		return
	}
	s.credit.Add(int64(message.Items))
	select {
	case s.credited <- struct{}{}:
	default: // it is told already
	}
}

func (s *runningSource) stop() error { return s.close() }

func (s *runningSource) close() error {
	s.closing.Do(func() {
		defer caught(&s.closed)
		s.cancel()
		s.closed = s.source.Close(s.ctx)
	})
	return s.closed
}
