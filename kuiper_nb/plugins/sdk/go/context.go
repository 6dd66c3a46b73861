package sdk

import (
	"context"
	"fmt"
	"sync"

	"kuiper_nb/sdk/internal/wire"
)

// streamContext is a StreamContext and a FunctionContext.
type streamContext struct {
	context.Context
	place  wire.Place
	logger Logger
	state  *state
}

type state struct {
	lock     sync.Mutex
	values   map[string]any
	counters map[string]int
}

func newContext(place wire.Place, logger Logger) *streamContext {
	kept := &state{values: map[string]any{}, counters: map[string]int{}}
	return &streamContext{context.Background(), place, logger, kept}
}

func (c *streamContext) GetLogger() Logger  { return c.logger }
func (c *streamContext) GetRuleId() string  { return c.place.RuleID }
func (c *streamContext) GetOpId() string    { return c.place.OpID }
func (c *streamContext) GetInstanceId() int { return c.place.InstanceID }
func (c *streamContext) GetFuncId() int     { return c.place.FuncID }

func (c *streamContext) WithMeta(ruleId string, opId string) StreamContext {
	made := *c
	made.place.RuleID, made.place.OpID = ruleId, opId
	return &made
}

func (c *streamContext) WithInstance(instanceId int) StreamContext {
	made := *c
	made.place.InstanceID = instanceId
	return &made
}

func (c *streamContext) WithCancel() (StreamContext, context.CancelFunc) {
	made := *c
	ctx, cancel := context.WithCancel(c.Context)
	made.Context = ctx
	return &made, cancel
}

func (c *streamContext) PutState(key string, value any) error {
	c.state.lock.Lock()
	defer c.state.lock.Unlock()
	c.state.values[key] = value
	return nil
}

func (c *streamContext) GetState(key string) (any, error) {
	c.state.lock.Lock()
	defer c.state.lock.Unlock()
	return c.state.values[key], nil
}

func (c *streamContext) DeleteState(key string) error {
	c.state.lock.Lock()
	defer c.state.lock.Unlock()
	delete(c.state.values, key)
	return nil
}

func (c *streamContext) IncrCounter(key string, amount int) error {
	c.state.lock.Lock()
	defer c.state.lock.Unlock()
	c.state.counters[key] += amount
	return nil
}

func (c *streamContext) GetCounter(key string) (int, error) {
	c.state.lock.Lock()
	defer c.state.lock.Unlock()
	count, ok := c.state.counters[key]
	if !ok {
		return 0, fmt.Errorf("there is no counter %s", key)
	}
	return count, nil
}
