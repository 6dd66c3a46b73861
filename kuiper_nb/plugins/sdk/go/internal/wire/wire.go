// Package wire is what is said between a host and a plugin: signed messages as frames, and the sockets they travel on.
//
// The page that describes it is kuiper_nb/plugins/README.md.
package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"regexp"
)

// Version is that of the wire.
const Version = 1

const (
	mostHeader = 1 << 20
	mostFrames = 64
)

var kinds = regexp.MustCompile(`^[a-z]{2,16}$`)

// ErrRefused is what a message that has no effect is: of another key, repeated, or none at all.
var ErrRefused = errors.New("no message of the host")

// Fields are those of a message that is sent, beside its kind.
type Fields map[string]any

// Message is one of the host's: all the fields that a host sends, and the payload.
type Message struct {
	Kind       string          `json:"kind"`
	N          uint64          `json:"n"`
	Sizes      []int           `json:"sizes"`
	ID         json.RawMessage `json:"id"`
	Symbol     string          `json:"symbol"`
	Type       string          `json:"type"`
	Run        string          `json:"run"`
	Codec      string          `json:"codec"`
	Rows       int             `json:"rows"`
	Columns    int             `json:"columns"`
	Arguments  []any           `json:"arguments"`
	Context    Place           `json:"context"`
	Meta       Place           `json:"meta"`
	Datasource string          `json:"datasource"`
	Config     map[string]any  `json:"config"`
	Credits    int             `json:"credits"`
	Items      int             `json:"items"`
	Nonce      string          `json:"nonce"`
	Limits     struct {
		Message int `json:"message"`
	} `json:"limits"`
	Payload [][]byte `json:"-"`
}

// Place is where in a rule a symbol is used, in eKuiper's words.
type Place struct {
	RuleID     string `json:"ruleId"`
	OpID       string `json:"opId"`
	InstanceID int    `json:"instanceId"`
	FuncID     int    `json:"funcId"`
}

// SessionKey signs after hello and welcome; nobody has it who has not seen both, and the key.
func SessionKey(key []byte, pluginNonce, hostNonce string) []byte {
	return digest(key, []byte(pluginNonce+"\n"+hostNonce))
}

// Wire is the plugin's side of one channel. Whole: payloads are signed, too.
type Wire struct {
	ours, theirs []byte
	whole        bool
	key          []byte
	sent, seen   uint64
}

// New is the wire of channel, signed with key.
func New(key []byte, channel string, whole bool) *Wire {
	return &Wire{ours: []byte("plugin:" + channel + ":"), theirs: []byte("host:" + channel + ":"), whole: whole, key: key}
}

// Renew signs with key from now on, and counts anew.
func (w *Wire) Renew(key []byte) {
	w.key, w.sent, w.seen = key, 0, 0
}

// Pack makes the frames of a message.
func (w *Wire) Pack(kind string, fields Fields, payload [][]byte) ([][]byte, error) {
	w.sent++
	header := make(Fields, len(fields)+3)
	for name, value := range fields {
		header[name] = value
	}
	header["kind"], header["n"] = kind, w.sent
	if len(payload) > 0 {
		sizes := make([]int, len(payload))
		for i, part := range payload {
			sizes[i] = len(part)
		}
		header["sizes"] = sizes
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	return append([][]byte{w.signed(w.ours, text, payload), text}, payload...), nil
}

// Unpack reads the message of frames. Nothing of what is refused has an effect.
func (w *Wire) Unpack(frames [][]byte) (*Message, error) {
	if len(frames) < 2 || len(frames) > mostFrames || len(frames[1]) > mostHeader {
		return nil, ErrRefused
	}
	signature, text, payload := frames[0], frames[1], frames[2:]
	if !hmac.Equal(signature, w.signed(w.theirs, text, payload)) {
		return nil, ErrRefused
	}
	message := &Message{Payload: payload}
	if json.Unmarshal(text, message) != nil || message.N <= w.seen {
		return nil, ErrRefused
	}
	w.seen = message.N
	if len(message.Sizes) != len(payload) || !kinds.MatchString(message.Kind) {
		return nil, ErrRefused
	}
	for i, part := range payload {
		if message.Sizes[i] != len(part) {
			return nil, ErrRefused
		}
	}
	return message, nil
}

func (w *Wire) signed(side, header []byte, payload [][]byte) []byte {
	if !w.whole {
		return digest(w.key, side, header)
	}
	return digest(w.key, append([][]byte{side, header}, payload...)...)
}

func digest(key []byte, parts ...[]byte) []byte {
	made := hmac.New(sha256.New, key)
	for _, part := range parts {
		made.Write(part)
	}
	return made.Sum(nil)
}
