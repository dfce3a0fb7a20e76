package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/scripting"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/run"
)

// app is a configuration with everything that it needs opened.
type app struct {
	p        *process
	cfg      *configs.Config
	log      *slog.Logger
	name     string // of this process among replicas
	store    *store.Store
	bell     engine.Bell
	engine   *engine.Engine
	observer *observer
	making   sync.Mutex // guards what is below
	sources  map[string]connector.Source
	tokens   map[string]*feishutoken.Source
	types    map[string]map[directory.Kind]map[string]directory.Type // of the sources, by flow
	broken   []brokenRule
	doubts   []ruleDoubt // in the rules, by flow
	written  []ruleWrite // by the rules
	closers  []func() error
	slots    *scripting.Slots              // shared by the rules of all flows
	checking bool                          // what a system does not tell is printed, not logged
	probed   map[*sqltable.Connector]error // while checking: what databases said
	asFound  bool                          // the record is only looked at
	fail     *failpoint                    // nil but in tests
	looked   readiness                     // at the record, for who asks whether we are ready
}

var (
	_ engine.Store = (*store.Store)(nil)
	_ engine.Bell  = (*queue.Doorbell)(nil)
	_ engine.Bell  = (*queue.Redis)(nil)
)

// opened opens everything of a configuration file.
func (p *process) opened(ctx context.Context, path string) (*app, error) {
	cfg, err := p.load(path)
	if err != nil {
		return nil, err
	}
	return p.open(ctx, cfg)
}

// open opens the record, the bell and the engine of a configuration.
func (p *process) open(ctx context.Context, cfg *configs.Config) (*app, error) {
	a := p.bare(cfg)
	if err := a.openAll(ctx); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *app) openAll(ctx context.Context) error {
	if err := a.setFailpoint(); err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if err := a.openBell(ctx); err != nil {
		return err
	}
	if err := a.openTrail(ctx); err != nil {
		return err
	}
	watched := &observedStore{Store: a.store, record: a.store, o: a.observer, now: a.p.now}
	flows, err := a.engineFlows(ctx)
	if err != nil {
		return err
	}
	a.tellBroken(ctx)
	a.logDoubts(ctx)
	t := a.cfg.Timing
	a.engine, err = engine.New(engine.Options{
		Store: a.fail.store(watched), Around: watched.around, Bell: a.fail.bell(a.bell), Flows: flows, People: people(a.cfg), Now: a.p.now, Time: a.recordTime, Logger: a.log, Owner: a.name,
		LeaseTTL: t.Lease.Std(), Sweep: t.Sweep.Std(), Settle: t.Settle.Std(),
		ParseSchedule: parseSchedule,
		Host:          a.otherRules, RuleTime: t.Rules.Std(), ReadTime: t.Read.Std(),
		Working: func(at time.Time) bool { return a.cfg.Hours.Include(at.In(a.cfg.Location())) },
	})
	return err
}

func (a *app) openStore(ctx context.Context) error {
	st, err := store.Open(ctx, store.Options{
		Dir: a.cfg.Resolve(a.cfg.Data), URL: a.cfg.Record.URL.Reveal(), URLFile: a.cfg.Record.File, Now: a.p.now, ServerTime: true, Logger: a.log,
		Key: a.cfg.SnapshotKey(), AuditKeys: a.cfg.AuditKeys(), AsFound: a.asFound,
	})
	if err != nil {
		return recordAt(a.cfg, err)
	}
	a.store = st
	a.closers = append(a.closers, st.Close)
	have, want, err := st.Version(ctx)
	if err != nil {
		return recordAt(a.cfg, err)
	}
	if have != want {
		return fault.New(fault.Invalid, "the record is of version %[1]d, this binary needs %[2]d: run rollcall migrate / 数据库版本是 %[1]d，本程序需要 %[2]d：请运行 rollcall migrate", have, want)
	}
	return nil
}

// openBell chooses what wakes the workers. A Redis that is away at start, or lets us
// write nothing, is an error: the operator is there to see it.
func (a *app) openBell(ctx context.Context) error {
	if a.cfg.Redis.Mode == "none" {
		a.bell = queue.NewDoorbell()
		return nil
	}
	queue.QuietDriver(a.log)
	r, err := queue.OpenRedis(ctx, queue.Options{URL: a.cfg.Redis.URL.Reveal(), URLFile: a.cfg.Redis.File, Consumer: a.name, Logger: a.log})
	if err != nil {
		return redisAt(a.cfg, err)
	}
	a.closers = append(a.closers, r.Close)
	if err := r.Ready(ctx); err != nil {
		return redisAt(a.cfg, err)
	}
	warnings, err := r.Warnings(ctx)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		a.log.WarnContext(ctx, "redis is not set up for this", "warning", w)
	}
	a.bell = r
	return nil
}

// owner names a process among replicas, never two alike: in containers the host's
// name comes again and the process number is always 1.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:ownerLetters])
}

// ownerLetters are enough of five bits each to tell all processes apart that share
// a host's name and a process number.
const ownerLetters = 8

// close closes everything, the last opened first.
func (a *app) close() error {
	var errs []error
	for _, shut := range slices.Backward(a.closers) {
		errs = append(errs, shut())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// people turns the configured people into persons.
func people(cfg *configs.Config) []run.Person {
	var all []run.Person
	for _, c := range cfg.People {
		p := run.Person{Name: c.Name, EmployeeNo: c.EmployeeNo, Email: c.Email, TOTP: c.TOTP.IsSet()}
		for _, id := range c.Feishu {
			p.Accounts = append(p.Accounts, run.Account{Platform: run.Feishu, ID: id.String()})
		}
		for _, id := range c.DingTalk {
			p.Accounts = append(p.Accounts, run.Account{Platform: run.DingTalk, ID: id})
		}
		for _, id := range c.WeCom {
			p.Accounts = append(p.Accounts, run.Account{Platform: run.WeCom, ID: id})
		}
		p.Roles = map[run.Role][]string{
			run.Viewer: c.Roles.Viewer, run.Operator: c.Roles.Operator, run.Approver: c.Roles.Approver, run.Admin: c.Roles.Admin,
		}
		all = append(all, p)
	}
	return all
}
