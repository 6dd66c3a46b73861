package wire

import (
	"context"
	"io"
	"log"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

const redial = 20 * time.Millisecond

// Channel is a ZeroMQ socket that is connected to the host's and speaks the wire. Any goroutine may send, one receives.
type Channel struct {
	socket zmq4.Socket
	wire   *Wire
	lock   sync.Mutex
}

// Dial connects to address under the name of spawn, and waits until somebody listens there.
func Dial(ctx context.Context, address, spawn string, wire *Wire) (*Channel, error) {
	socket := zmq4.NewDealer(ctx,
		zmq4.WithID(zmq4.SocketIdentity(spawn)),
		zmq4.WithDialerRetry(redial),
		zmq4.WithDialerMaxRetries(-1),
		zmq4.WithLogger(log.New(io.Discard, "", 0)),
	)
	if err := socket.Dial(address); err != nil {
		return nil, err
	}
	return &Channel{socket: socket, wire: wire}, nil
}

// Renew signs with key from now on.
func (c *Channel) Renew(key []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.wire.Renew(key)
}

// Send sends a message; it waits while the host does not read.
func (c *Channel) Send(kind string, fields Fields, payload ...[]byte) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	frames, err := c.wire.Pack(kind, fields, payload)
	if err != nil {
		return err
	}
	return c.socket.SendMulti(zmq4.NewMsgFrom(frames...))
}

// Receive waits for the next message of the host. It fails when the connection is lost.
func (c *Channel) Receive() (*Message, error) {
	for {
		frames, err := c.socket.Recv()
		if err != nil {
			return nil, err
		}
		if message, err := c.wire.Unpack(frames.Frames); err == nil {
			return message, nil
		}
	}
}

// Close closes the socket.
func (c *Channel) Close() {
	_ = c.socket.Close()
}
