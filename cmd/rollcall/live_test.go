//go:build live

package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestLive checks the real credentials of a flow's target and creates,
// disables and deletes one test person there. CONFIG names the configuration,
// FLOW the flow, MOBILE a mobile number that nobody in the tenant has.
func TestLive(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path, flow, mobile := os.Getenv("CONFIG"), os.Getenv("FLOW"), os.Getenv("MOBILE")
	if path == "" || flow == "" || mobile == "" {
		t.Fatal("make live CONFIG=rollcall.yaml FLOW=hr-to-wecom MOBILE=13800000000")
	}
	p := &process{getenv: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr, now: time.Now, executable: os.Executable}
	cfg, err := p.load(path)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := cfg.Flow(flow)
	if !ok {
		t.Fatalf("there is no flow %s", flow)
	}
	a := p.bare(cfg)
	probeBots(ctx, t, a)
	source, err := a.source(f.To)
	if err != nil {
		t.Fatal(err)
	}
	target, ok := source.(connector.Target)
	if !ok {
		t.Fatalf("%s cannot be written to", f.To)
	}
	if prober, ok := source.(connector.Prober); ok {
		if err := prober.Probe(ctx); err != nil {
			t.Fatalf("probe: %v", err)
		}
	}
	person := livePerson{t: t, target: target, key: directory.Key{Kind: directory.User, ID: "rollcall-live-test"}}
	person.create(ctx, mobile)
	person.apply(ctx, plan.Disable)
	person.apply(ctx, plan.Delete)
}

// probeBots sees that the chat side's credentials are good.
func probeBots(ctx context.Context, t *testing.T, a *app) {
	t.Helper()
	if cfg := a.cfg.Bots.Feishu; cfg != nil {
		b, err := a.feishuBot(&chat{}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Probe(ctx); err != nil {
			t.Errorf("Feishu bot: %v", err)
		}
	}
	if cfg := a.cfg.Bots.DingTalk; cfg != nil {
		b, err := a.dingBot(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Probe(ctx); err != nil {
			t.Errorf("DingTalk bot: %v", err)
		}
	}
}

// livePerson is the one test person.
type livePerson struct {
	t      *testing.T
	target connector.Target
	key    directory.Key
}

func (p *livePerson) create(ctx context.Context, mobile string) {
	info := p.target.Describe()
	after := directory.Attributes{
		directory.AttrName: directory.TextOf("Rollcall test"), directory.AttrMobile: directory.TextOf(mobile),
	}
	if info.IDAttribute != "" {
		after[info.IDAttribute] = directory.TextOf(string(p.key.ID))
	}
	for _, a := range info.Attributes {
		if a.Kind == directory.User && a.Writable && a.Type == directory.Refs && (a.Name == "department" || a.Name == "department_ids") {
			after[a.Name] = directory.RefsTo()
		}
	}
	key, err := p.target.Apply(ctx, connector.Write{Op: plan.Create, Key: p.key, After: after, Token: "live-create"})
	if err != nil {
		p.t.Fatalf("create: %v", err)
	}
	p.key = key
	p.t.Logf("created %s", key.ID)
}

func (p *livePerson) apply(ctx context.Context, op plan.Op) {
	if _, err := p.target.Apply(ctx, connector.Write{Op: op, Key: p.key, Token: "live-" + string(op)}); err != nil {
		p.t.Errorf("%s: %v; look for %s and remove it by hand", op, err, p.key.ID)
		return
	}
	seen, err := p.target.Lookup(ctx, directory.User, []directory.ID{p.key.ID})
	if err != nil {
		p.t.Errorf("look after %s: %v", op, err)
		return
	}
	p.t.Logf("%s: presence %d, active %v", op, seen[0].Presence, seen[0].Object.Active)
}
