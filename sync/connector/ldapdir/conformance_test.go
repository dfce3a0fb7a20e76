package ldapdir_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestConformance runs the suite against a real OpenLDAP server, behind a proxy
// that makes things go wrong.
func TestConformance(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	connectortest.Run(t, func(t *testing.T) connectortest.Harness { return newBench(t, server).harness() })
}

func (b *bench) harness() connectortest.Harness {
	return connectortest.Harness{
		Connector: b.conn, Page: page,
		Secrets:  []string{syncPW},
		SeedUser: b.seedUser, SeedDepartment: b.seedDepartment, Stored: b.stored,
		NewUser: newUser, NewDepartment: newDepartment,
		Effects:    func() int { _, _, n := b.count(); return n },
		Calls:      func() int { n, _, _ := b.count(); return n },
		TokenCalls: func() int { _, n, _ := b.count(); return n },
		Advance:    b.advance,
		RateLimit:  func(k, times int) { b.onPage(k, times, verdict{code: 51, text: "busy"}) },
		FailPage:   func(k, times int) { b.onPage(k, times, verdict{code: 52, text: "unavailable"}) },
		TruncatePage: func(k int) {
			b.onPage(k, -1, verdict{half: true})
		},
		ExpireToken: func(k int) { b.onPage(k, 1, verdict{cut: true}) },
		WrongCredentials: func() {
			b.arm(-1, func(r *request) bool { return r.tag == ldap.ApplicationBindRequest }, answer(verdict{code: 49, text: "invalid credentials"}))
			b.cutAll()
		},
		Down: func() {
			b.arm(-1, func(*request) bool { return true }, answer(verdict{code: 52, text: "shutting down"}))
		},
		HangRead: b.hangRead, HangWrite: b.hangWrite,
		CutAfterEffect: func() {
			b.arm(1, isWrite, answer(verdict{after: func(l *link, _ *ber.Packet) bool { l.cut(); return true }}))
		},
		CutBeforeEffect: func() { b.arm(1, isWrite, answer(verdict{cut: true})) },
		LimitWrite:      func() { b.arm(1, isWrite, answer(verdict{code: 51, text: "busy"})) },
		HidePermission: func() []connectortest.HiddenAttribute {
			rule := fmt.Sprintf("to dn.subtree=%q attrs=mobile,mail by dn.exact=%q write by * none", b.base, rootDN)
			if err := b.server.access(rule); err != nil {
				b.t.Fatal(err)
			}
			return []connectortest.HiddenAttribute{
				{Kind: directory.User, Name: "mobile", Permission: "mobile"},
				{Kind: directory.User, Name: "email", Permission: "mail"},
			}
		},
		Refusals: b.refusals(),
		Without: map[string]string{
			"HideObject": "LDAP does not tell an entry that access rules hide from one that is not there; what can be noticed is tested in TestHidden",
		},
	}
}

func answer(v verdict) func(*request) verdict { return func(*request) verdict { return v } }

// onPage arms a fault for page k of the listing of people and what follows it.
// A listing that begins again begins with its first page.
func (b *bench) onPage(k, times int, v verdict) {
	var mu sync.Mutex
	seen := map[*link]int{}
	fresh := func(r *request) bool { // the paging control has no cookie yet
		for _, c := range r.packet.Children[2].Children {
			if oid, _ := c.Children[0].Value.(string); oid != ldap.ControlTypePaging {
				continue
			}
			value := c.Children[len(c.Children)-1]
			p, err := ber.DecodePacketErr(value.Data.Bytes())
			return err == nil && len(p.Children) == 2 && len(p.Children[1].Data.Bytes()) == 0
		}
		return true
	}
	b.arm(times, func(r *request) bool {
		if !isPeople(r) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		if fresh(r) {
			seen[r.link] = 0
		}
		seen[r.link]++
		return seen[r.link] >= k
	}, answer(v))
}

func (b *bench) hangRead() <-chan struct{} {
	arrived := make(chan struct{})
	b.arm(1, func(r *request) bool { return r.tag == ldap.ApplicationSearchRequest && r.base != "" }, func(*request) verdict {
		close(arrived)
		return verdict{hang: true}
	})
	return arrived
}

func (b *bench) hangWrite() <-chan struct{} {
	arrived := make(chan struct{})
	var once atomic.Bool
	b.arm(1, isWrite, answer(verdict{after: func(*link, *ber.Packet) bool {
		if once.CompareAndSwap(false, true) {
			close(arrived)
		}
		return true
	}}))
	return arrived
}

// refusals are answers of directories and what each has to become.
func (b *bench) refusals() []connectortest.Refusal {
	var list []connectortest.Refusal
	for code, kinds := range map[int][]fault.Kind{
		1: {fault.Unavailable}, 2: {fault.Invalid}, 3: {fault.InDoubt}, 8: {fault.Credential}, 10: {fault.Invalid}, 11: {fault.Invalid},
		12: {fault.Unsupported}, 13: {fault.Credential}, 16: {fault.Invalid}, 17: {fault.Invalid}, 19: {fault.Invalid}, 20: {fault.Conflict},
		21: {fault.Invalid}, 32: {fault.NotFound, fault.Invalid}, 34: {fault.Invalid}, 50: {fault.Denied}, 51: {fault.Limited}, 52: {fault.Unavailable},
		53: {fault.Invalid}, 64: {fault.Invalid}, 65: {fault.Invalid}, 68: {fault.Conflict}, 71: {fault.Invalid}, 80: {fault.Unavailable},
		122: {fault.Conflict}, 99: {fault.Invalid},
	} {
		list = append(list, connectortest.Refusal{
			Name: fmt.Sprint(code), Write: true, Kinds: kinds,
			Arm: func() { b.arm(1, isWrite, answer(verdict{code: code, text: "refused"})) },
		})
	}
	for code, kinds := range map[int][]fault.Kind{
		1: {fault.Unavailable}, 3: {fault.Unavailable}, 4: {fault.Invalid}, 8: {fault.Credential}, 10: {fault.Invalid}, 11: {fault.Invalid},
		12: {fault.Unsupported}, 18: {fault.Invalid}, 50: {fault.Credential}, 51: {fault.Limited}, 52: {fault.Unavailable}, 53: {fault.Invalid}, 80: {fault.Unavailable},
	} {
		list = append(list, connectortest.Refusal{
			Name: fmt.Sprint(code), Kinds: kinds,
			Arm: func() { b.arm(-1, isPeople, answer(verdict{code: code, text: "refused"})) },
		})
	}
	return list
}
