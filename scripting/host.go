package scripting

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// MaxSource bounds a rule file in bytes: longer texts can stall or kill the
// process that compiles them.
const MaxSource = 16 << 10

// File is one rule file.
type File struct {
	Path   string // where it was read from; shown when Name is empty
	Name   string // for people: how errors call it
	Source []byte // nil: there is no such rule
}

// label gives the file's name for people.
func (f File) label() string {
	if f.Name != "" {
		return f.Name
	}
	return f.Path
}

// Options say what a Host runs and within which limits.
type Options struct {
	Users       File // judges users
	Departments File // judges departments

	Zone *time.Location   // of dates and of today(); required
	Now  func() time.Time // safe for concurrent use; a rule sees that of the beginning of each Judge; required

	// Declared are the attributes of the source system with their declared or
	// detected types. What is declared and missing on an object is empty, what is
	// not declared is undefined.
	Declared map[directory.Kind]map[string]directory.Type

	// Command makes the command that starts a child: a process of this binary
	// that calls Work with its standard input and output. The command gets no
	// environment; standard error is ours. Required.
	Command func(ctx context.Context) *exec.Cmd

	Workers     int           // children at a time; 0 = one per processor
	ObjectTime  time.Duration // for one object; 0 = 500 ms
	BatchTime   time.Duration // that a child may be silent before it is killed; 0 = four times ObjectTime
	CompileTime time.Duration // to start a child and compile the rules; 0 = 10 s
	CallDepth   int           // of calls in a rule; 0 = 512
	MemoryMB    int           // beyond what a child takes at its start; Linux only; 0 = 256

	// Slots are shared by hosts that judge at the same time; nil = the host's own, one
	// for each of its Workers.
	Slots *Slots

	Logger *slog.Logger // gets what rules log, at debug; nil = none

	// Cover makes the rules tell which of their lines ran: see Trace and Statements.
	// It makes them slower.
	Cover bool
}

func (o *Options) withDefaults() error {
	var errs []error
	for name, missing := range map[string]bool{"Zone": o.Zone == nil, "Now": o.Now == nil, "Command": o.Command == nil} {
		if missing {
			errs = append(errs, fmt.Errorf("scripting: %s is missing", name))
		}
	}
	if o.Workers < 0 || o.ObjectTime < 0 || o.BatchTime < 0 || o.CompileTime < 0 || o.CallDepth < 0 || o.MemoryMB < 0 {
		errs = append(errs, errors.New("scripting: a limit is negative"))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.setLimits()
	return errors.Join(errs...)
}

// setLimits gives every limit that was not set its default.
func (o *Options) setLimits() {
	if o.Workers == 0 {
		o.Workers = runtime.NumCPU()
	}
	if o.Slots == nil && o.Workers > 0 {
		o.Slots = NewSlots(o.Workers)
	}
	if o.ObjectTime == 0 {
		o.ObjectTime = 500 * time.Millisecond
	}
	if o.BatchTime == 0 {
		o.BatchTime = 4 * o.ObjectTime
	}
	if o.CompileTime == 0 {
		o.CompileTime = 10 * time.Second
	}
	if o.CallDepth == 0 {
		o.CallDepth = 512
	}
	if o.MemoryMB == 0 {
		o.MemoryMB = 256
	}
}

// rule is one rule file that compiled.
type rule struct {
	file File
	sum  summary
}

// Host runs the rules of one flow. It is safe for concurrent use. Children are
// started when there is something to judge and end soon after; Close ends them
// for good.
type Host struct {
	o     Options
	set   setup
	rules map[directory.Kind]*rule

	generation atomic.Uint64

	mu      sync.Mutex
	idle    []*child
	sweep   *time.Timer
	closed  bool
	closing sync.WaitGroup
}

var _ plan.Rules = (*Host)(nil)

// New checks the options and compiles the rules. Compiling a hostile text can
// stall or kill a process, so each rule is compiled in a child of its own, which
// ends at once. What is wrong with the rules comes back as one Invalid fault
// whose sentence has a line "file:line:column: what" for each mistake, in each
// language, and whose cause is a *Refusal. Other faults: Internal for wrong options, Unavailable when a child does not start.
func New(o Options) (*Host, error) {
	if err := o.withDefaults(); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "rules are set up wrongly / 规则脚本的设置有误")
	}
	h := &Host{
		o:     o,
		rules: map[directory.Kind]*rule{},
		set: setup{
			zone:       o.Zone.String(),
			turns:      turnsOf(o.Zone),
			objectTime: o.ObjectTime,
			batchTime:  o.BatchTime,
			callDepth:  o.CallDepth,
			memory:     int64(o.MemoryMB) << 20,
			cover:      o.Cover,
			declared:   o.Declared,
		},
	}
	var mistakes []Warning
	for _, kind := range kinds {
		f := h.file(kind)
		if f.Source == nil {
			continue
		}
		found, err := h.load(kind, f)
		if err != nil {
			return nil, err
		}
		mistakes = append(mistakes, found...)
	}
	if len(mistakes) > 0 {
		return nil, fault.Wrap(fault.Invalid, &Refusal{Mistakes: mistakes}, "%s / %s", list(mistakes, "en"), list(mistakes, "zh"))
	}
	return h, nil
}

// Refusal says why rules cannot be used. It is the cause of New's Invalid fault.
type Refusal struct { //nolint:errname // a list first, which is an error too
	Mistakes []Warning // at least one, by file and place
}

// Error gives the mistakes in English, a line each.
func (r *Refusal) Error() string { return "rules are refused:\n" + list(r.Mistakes, "en") }

// Unwrap gives the first mistake as a *plan.RuleError.
func (r *Refusal) Unwrap() error {
	first := r.Mistakes[0]
	return &plan.RuleError{File: first.File, Line: first.Line, Say: first.Say, Limit: first.limit}
}

// list gives a line for each mistake in one language.
func list(mistakes []Warning, lang string) string {
	lines := make([]string, 0, len(mistakes))
	for _, m := range mistakes {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, fault.In(m.Say, lang)))
	}
	return strings.Join(lines, "\n")
}

func (h *Host) file(kind directory.Kind) File {
	if kind == directory.Department {
		return h.o.Departments
	}
	return h.o.Users
}

// load compiles one rule and gives what is wrong with it.
func (h *Host) load(kind directory.Kind, f File) ([]Warning, error) {
	whole := func(say string, limit bool) []Warning {
		return []Warning{{File: f.label(), Kind: kind, Line: 1, Column: 1, Say: say, limit: limit}}
	}
	switch {
	case len(f.Source) > MaxSource:
		return whole(textTooLong.sayf(len(f.Source), MaxSource), false), nil
	case !utf8.Valid(f.Source):
		return whole(textNotUTF8.String(), false), nil
	}
	text := ruleText{kind: kind, source: strings.TrimPrefix(string(f.Source), "\uFEFF")}
	only := h.set
	only.rules = []ruleText{text}
	c, sums, err := h.start(context.Background(), &only)
	dead, ok := errors.AsType[*deathError](err)
	if ok && !dead.silent { // a machine under load may kill one at its start
		c, sums, err = h.start(context.Background(), &only)
		dead, ok = errors.AsType[*deathError](err)
	}
	if err != nil {
		switch {
		case !ok:
			return nil, err
		case dead.silent:
			return whole(textSlowCompile.String(), true), nil
		}
		return whole(textDeadlyCompile.with(dead.cause), true), nil
	}
	c.end()
	if len(sums) != 1 {
		return nil, fault.New(fault.Internal, "a rule process answers nonsense / 规则进程的回答无法识别")
	}
	h.rules[kind] = &rule{file: f, sum: sums[0]}
	h.set.rules = append(h.set.rules, text)
	return warnings(kind, f, sums[0].problems), nil
}

// Mentions tells which execute functions the rule for a kind calls anywhere in
// its text, reached or not, and whether there is a rule for that kind. Comments
// and strings do not count.
func (h *Host) Mentions(kind directory.Kind) (calls plan.Calls, found bool) {
	r, ok := h.rules[kind]
	if !ok {
		return plan.Calls{}, false
	}
	return r.sum.calls, true
}

// Hash identifies the rules' texts: it differs when one byte of one of them does,
// or when one is added or removed.
func (h *Host) Hash() directory.Digest {
	var b []byte
	for _, kind := range kinds {
		f := h.file(kind)
		b = appendFlag(appendText(b, string(kind)), f.Source != nil)
		b = appendText(b, string(f.Source))
	}
	return sha256.Sum256(b)
}

// Statements gives the lines of a kind's rule on which a statement begins, ascending;
// with Options.Cover only.
func (h *Host) Statements(kind directory.Kind) []int {
	lines := slices.Clone(h.StatementLines(kind))
	slices.Sort(lines)
	return slices.Compact(lines)
}

// StatementLines gives the line of each statement of a kind's rule, by the numbers of
// Trace.Ran; with Options.Cover only. The caller must not change it.
func (h *Host) StatementLines(kind directory.Kind) []int {
	if r := h.rules[kind]; r != nil {
		return r.sum.lines
	}
	return nil
}

// Warning is a place in a rule that is doubtful, or wrong.
type Warning struct {
	File   string
	Kind   directory.Kind // of the objects that the rule judges
	Line   int            // from 1
	Column int            // from 1, in characters
	Say    string         // what is the matter and what to do, "English / 中文"
	// Written is the attribute, when the doubt is that the rule writes one that the
	// source does not declare: whoever knows that a mapping reads it may leave it out.
	Written string

	limit bool // the text outran a limit when it was compiled
}

func warnings(kind directory.Kind, f File, found []problem) []Warning {
	out := make([]Warning, 0, len(found))
	for _, p := range found {
		out = append(out, Warning{File: f.label(), Kind: kind, Line: p.line, Column: p.column, Say: p.say, Written: p.written})
	}
	return out
}

// Warnings lists what is doubtful in the rules, by file and place, at most 20 for each:
// attributes that are not declared, comparisons that are never true, names that do
// not exist, ends without context. Nothing is said about the attributes of kinds
// without declared ones. The rules run all the same.
func (h *Host) Warnings() []Warning {
	var out []Warning
	for _, kind := range kinds {
		if r := h.rules[kind]; r != nil {
			out = append(out, warnings(kind, r.file, r.sum.doubts)...)
		}
	}
	return out
}
