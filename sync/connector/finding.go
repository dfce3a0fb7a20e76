package connector

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Examiner is a Source that tells, capability by capability, what it tried and
// found with the credentials that it has. Where there is one, the doctor asks it
// instead of Prober.
type Examiner interface {
	// Examine tries what use needs by at most eight calls, those for tokens not
	// counted. It changes no account, and no call that could is made: what only a
	// write can show is Unverified. It always gives at least one finding; the one
	// that keeps all others from being tried stands alone.
	Examine(ctx context.Context, use Use) []Finding
}

// Use is what the flows ask of a system. The zero Use is that of a system that no
// flow names.
type Use struct {
	Source, Target bool
	// Read are the attributes that flows read, to map, to match or to choose by;
	// Write those that they write, which are read as well, to be compared.
	Read, Write []Named
	// Match are those of Read by which people and departments are found.
	Match []Named
}

// Named is an attribute of a kind.
type Named struct {
	Kind directory.Kind
	Name string
}

// Reads tells whether a flow reads, or writes and so compares, an attribute.
func (u Use) Reads(kind directory.Kind, name string) bool {
	n := Named{kind, name}
	return slices.Contains(u.Read, n) || slices.Contains(u.Write, n)
}

// Level is what a try of a capability came to.
type Level uint8

// The levels. The zero Level is no result: nothing is claimed of what was not
// tried.
const (
	Unverified Level = iota // cannot be tried without an effect, or nothing was there to try it on
	Works
	Hidden  // what it shows is unknown to us; accounts stay as they are
	Refused // without it a flow cannot do what it is for
)

// Finding is what was found of one capability.
type Finding struct {
	Capability Text  // short: "list ids"; lower case, without a full stop
	Level      Level // what the try came to
	Say        Text  // what was found, where the level does not say it all
	Do         Text  // what to do about it, and where; empty when there is nothing
	// Of are the attributes that the capability shows, where it is about some.
	Of []Named
}

// Failed is the finding of a call that a system on the network refused or did not
// answer: do says where to mend a refusal; of what passes by itself it is said to
// wait.
func Failed(what Text, err error, do Text) Finding {
	say := fault.Say(err)
	f := Finding{Capability: what, Level: Refused, Say: Text{ZH: fault.In(say, "zh-CN"), EN: fault.In(say, "en")}, Do: do}
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code != "" {
		f.Say.ZH += " [" + e.Code + "]"
		f.Say.EN += " [" + e.Code + "]"
	}
	if k := fault.KindOf(err); k == fault.Unavailable || k == fault.Limited {
		f.Do = Text{
			ZH: "一分钟后再试；一直如此就检查代理、防火墙和 DNS", EN: "try again in a minute; if it stays so, look at proxy, firewall and DNS",
		}
	}
	return f
}
