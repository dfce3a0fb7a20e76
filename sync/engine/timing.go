package engine

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	cronFields = 5
	nextTimes  = 3               // that people are shown
	lookAhead  = 50              // firings whose distance is looked at
	seldomest  = 5 * time.Minute // the shortest time between two of them
)

// SetTiming sets when a flow runs by itself, instead of what the configuration
// says; an empty Spec: never. Faults: NotFound, Denied to all but admins, Invalid
// for a spec that cannot be read, never fires, or fires more often than every five
// minutes, Unsupported when schedules cannot be set while the service runs.
func (e *Engine) SetTiming(ctx context.Context, t run.Timing) error {
	f, err := e.flow(t.Flow)
	if err != nil {
		return err
	}
	if err := e.may(t.By, run.Admin, t.Flow); err != nil {
		return err
	}
	t.Spec, t.At, t.Next = tidy(t.Spec), e.o.Now(), nil
	if t.Spec != "" {
		if _, err := e.regular(t.Spec, f.Zone); err != nil {
			return err
		}
	}
	value, err := json.Marshal(t)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the schedule cannot be stored / 定时无法保存")
	}
	if err := e.o.Store.Set(ctx, run.Setting{Kind: run.SetSchedule, Name: t.Flow, Value: value, By: t.By, At: t.At}); err != nil {
		return err
	}
	select {
	case e.retimed[t.Flow] <- struct{}{}:
	default: // it will look anyway
	}
	return nil
}

// Timing gives when a flow runs by itself, with the next three times in its zone.
// Faults: NotFound, Invalid when what was set cannot be read any more.
func (e *Engine) Timing(ctx context.Context, flow string) (run.Timing, error) {
	f, err := e.flow(flow)
	if err != nil {
		return run.Timing{}, err
	}
	t, s, err := e.timing(ctx, f)
	if err == nil && s != nil {
		t.Next = upcoming(s, e.o.Now().In(f.Zone), nextTimes)
	}
	return t, err
}

// NextTimes gives the three next times of a spec, without setting it, in the zone
// of the configuration. Faults: as those of SetTiming.
func (e *Engine) NextTimes(spec string) (run.Timing, error) {
	t, zone := run.Timing{Spec: tidy(spec)}, time.UTC
	if len(e.names) > 0 {
		zone = e.flows[e.names[0]].Zone // they all have the configuration's
	}
	if t.Spec == "" {
		return t, nil
	}
	s, err := e.regular(t.Spec, zone)
	if err != nil {
		return run.Timing{}, err
	}
	t.Next = upcoming(s, e.o.Now().In(zone), nextTimes)
	return t, nil
}

// timing gives what is set for a flow, else what the configuration says, with
// the schedule that it means; a nil Schedule never fires.
func (e *Engine) timing(ctx context.Context, f *Flow) (run.Timing, Schedule, error) {
	name := f.Plan.Name
	set, err := e.o.Store.Settings(ctx, run.SetSchedule)
	if err != nil {
		return run.Timing{}, nil, err
	}
	for _, s := range set {
		if s.Name != name {
			continue
		}
		var t run.Timing
		if err := json.Unmarshal(s.Value, &t); err != nil {
			return run.Timing{}, nil, fault.Wrap(fault.Invalid, err, "the schedule of %s cannot be read; set it again / %s 的定时无法读取，请重新设置", name, name)
		}
		if t.Spec == "" {
			return t, nil, nil
		}
		schedule, err := e.parse(t.Spec)
		return t, schedule, err
	}
	return run.Timing{Flow: name, Spec: f.Spec}, f.Schedule, nil
}

// regular parses a spec that people want to set.
func (e *Engine) regular(spec string, zone *time.Location) (Schedule, error) {
	s, err := e.parse(spec)
	if err != nil {
		return nil, err
	}
	times := upcoming(s, e.o.Now().In(zone), lookAhead)
	if len(times) == 0 {
		return nil, fault.New(fault.Invalid, "%q never comes / “%s”永远不会到来", spec, spec)
	}
	for i := 1; i < len(times); i++ {
		if times[i].Sub(times[i-1]) < seldomest {
			return nil, fault.New(fault.Invalid, "%q comes more often than every 5 minutes / “%s”的间隔短于 5 分钟", spec, spec)
		}
	}
	return s, nil
}

// parse reads five cron fields. What else a parser may know, such as intervals
// that count from when they were read, would differ from replica to replica.
func (e *Engine) parse(spec string) (Schedule, error) {
	if e.o.ParseSchedule == nil {
		return nil, fault.New(fault.Unsupported, "schedules cannot be set while the service runs / 服务运行时不能设置定时")
	}
	if len(strings.Fields(spec)) != cronFields {
		return nil, fault.New(fault.Invalid, "%q is not five cron fields, such as 30 2 * * * / “%s”不是五段 cron 表达式，例如 30 2 * * *", spec, spec)
	}
	s, err := e.o.ParseSchedule(spec)
	if err != nil && fault.KindOf(err) != fault.Invalid {
		err = fault.Wrap(fault.Invalid, err, "%q is no schedule / “%s”不是定时表达式", spec, spec)
	}
	return s, err
}

func upcoming(s Schedule, from time.Time, n int) []time.Time {
	var times []time.Time
	for next := s.Next(from); !next.IsZero() && len(times) < n; next = s.Next(next) {
		times = append(times, next)
	}
	return times
}

func tidy(spec string) string { return strings.Join(strings.Fields(spec), " ") }
