package wire

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Channels are the four between a host and a plugin.
var Channels = [...]string{"control", "calls", "data", "log"}

// Connection is what a connection file says: where the host listens, and the key both prove that they know.
type Connection struct {
	Key       []byte
	Spawn     string
	Addresses map[string]string
}

// Whole says whether payloads must be signed: others can write to what is no socket in a private folder.
func (c *Connection) Whole() bool {
	for _, address := range c.Addresses {
		if !strings.HasPrefix(address, "ipc://") {
			return true
		}
	}
	return false
}

// ReadConnection reads a connection file that nobody else may read.
func ReadConnection(path string) (*Connection, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	var found struct {
		Wire                                  int
		Key, Spawn, Control, Calls, Data, Log string
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s is no connection file", path)
	}
	if found.Wire != Version {
		return nil, fmt.Errorf("%s is of wire %d; this side speaks %d", path, found.Wire, Version)
	}
	key, err := hex.DecodeString(found.Key)
	if err != nil || len(key) == 0 || found.Control == "" || found.Calls == "" || found.Data == "" || found.Log == "" {
		return nil, fmt.Errorf("%s is no connection file", path)
	}
	addresses := map[string]string{
		"control": found.Control, "calls": found.Calls, "data": found.Data, "log": found.Log,
	}
	return &Connection{Key: key, Spawn: found.Spawn, Addresses: addresses}, nil
}

// MakeConnection writes a connection file of its own for the plugin called name, in a folder that only its user may
// enter, and answers its path.
func MakeConnection(name string) (*Connection, string, error) {
	root := os.Getenv("XDG_RUNTIME_DIR")
	folder, err := os.MkdirTemp(root, "kuiper-")
	if err != nil {
		if folder, err = os.MkdirTemp("", "kuiper-"); err != nil {
			return nil, "", err
		}
	}
	made := &Connection{Key: random(32), Spawn: hex.EncodeToString(random(8)), Addresses: map[string]string{}}
	file := map[string]any{"wire": Version, "key": hex.EncodeToString(made.Key), "spawn": made.Spawn}
	for _, channel := range Channels {
		made.Addresses[channel] = "ipc://" + filepath.Join(folder, channel)
		file[channel] = made.Addresses[channel]
	}
	text, err := json.Marshal(file)
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(folder, name+".json")
	return made, path, os.WriteFile(path, text, 0o600)
}

// Nonce is a text that is new each time.
func Nonce() string {
	return hex.EncodeToString(random(16))
}

func random(size int) []byte {
	made := make([]byte, size)
	_, _ = rand.Read(made) // never fails
	return made
}

func private(path string) error {
	status, err := os.Stat(path)
	if err != nil {
		return err
	}
	if os.PathSeparator == '/' && status.Mode().Perm()&0o077 != 0 {
		return errors.New(path + " can be read by others, so its key is not secret: chmod 600 " + path)
	}
	return nil
}
