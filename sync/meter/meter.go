// Package meter declares what Rollcall counts: the families of metrics, and an
// instrument for each that is counted as it happens.
//
// It knows no metrics system and keeps no number. Whoever has one binds the
// instruments to it (see scrape); an instrument that is bound to nothing counts
// nothing. It is not for what the record knows already, such as what waits in the
// outbox: that is a Sample, asked for when somebody looks.
package meter

// Record takes one value of a family, with a value for each of its labels.
type Record func(value float64, labels ...string)

// Counter grows. The zero Counter counts nothing. It is safe for concurrent use,
// as all instruments are.
type Counter struct{ record Record }

// Add counts n more, which is not negative.
func (c Counter) Add(n float64, labels ...string) { note(c.record, n, labels) }

// Gauge goes up and down. The zero Gauge shows nothing.
type Gauge struct{ record Record }

// Set replaces the value.
func (g Gauge) Set(value float64, labels ...string) { note(g.record, value, labels) }

// Histogram sorts values into buckets. The zero Histogram takes none.
type Histogram struct{ record Record }

// Observe takes one value.
func (h Histogram) Observe(value float64, labels ...string) { note(h.record, value, labels) }

func note(record Record, value float64, labels []string) {
	if record != nil {
		record(value, labels...)
	}
}

// Meter is every instrument. The zero Meter counts nothing. The labels of each are
// in the order of its Family; none is ever the name, id or account of a person.
type Meter struct {
	Moves         Counter   // flow, state
	Phases        Histogram // flow, phase; seconds
	Changes       Counter   // flow, op, outcome
	Votes         Counter   // flow, decision
	Operations    Counter   // system, op, kind
	OperationTime Histogram // system, op; seconds
	Calls         Counter   // system, code
	CallTime      Histogram // system; seconds
	Waits         Counter   // system
	WaitTime      Counter   // system; seconds
	Judged        Counter   // flow
	RuleErrors    Counter   // flow
	JudgeTime     Counter   // flow; seconds
	LeasesLost    Counter   // flow
	Lateness      Histogram // flow; seconds
	Connections   Gauge     // platform
	Refused       Counter   // platform, reason
	ClockOffset   Gauge     // against; seconds
}

// New makes a Meter of what bind gives for the families that are counted as they
// happen.
func New(bind func(f Family) Record) Meter {
	bound := map[string]Record{}
	for _, f := range Families() {
		if !f.Asked {
			bound[f.Name] = bind(f)
		}
	}
	return Meter{
		Moves: Counter{bound[Moves]}, Phases: Histogram{bound[Phases]}, Changes: Counter{bound[Changes]}, Votes: Counter{bound[Votes]},
		Operations: Counter{bound[Operations]}, OperationTime: Histogram{bound[OperationTime]},
		Calls: Counter{bound[Calls]}, CallTime: Histogram{bound[CallTime]}, Waits: Counter{bound[Waits]}, WaitTime: Counter{bound[WaitTime]},
		Judged: Counter{bound[Judged]}, RuleErrors: Counter{bound[RuleErrors]}, JudgeTime: Counter{bound[JudgeTime]},
		LeasesLost: Counter{bound[LeasesLost]}, Lateness: Histogram{bound[Lateness]}, Connections: Gauge{bound[Connections]},
		Refused: Counter{bound[Refused]}, ClockOffset: Gauge{bound[ClockOffset]},
	}
}

// Sample is one value of a family that is asked for.
type Sample struct {
	Name   string // of the Family
	Labels []string
	Value  float64
}
