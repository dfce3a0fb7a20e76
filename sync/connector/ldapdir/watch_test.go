package ldapdir_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// patience is how long a hint may take. It is real time and generous.
const patience = 20 * time.Second

// watching is a watch under way.
type watching struct {
	t      *testing.T
	hints  chan directory.Hint
	ended  chan error
	cancel context.CancelFunc
}

func (b *bench) watch() *watching {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	w := &watching{t: b.t, hints: make(chan directory.Hint, 1000), ended: make(chan error, 1), cancel: cancel}
	go func() {
		w.ended <- b.conn.Watch(ctx, func(hints []directory.Hint) {
			for _, h := range hints {
				w.hints <- h
			}
		})
	}()
	b.t.Cleanup(cancel)
	return w
}

// see waits for a hint, whatever comes before it.
func (w *watching) see(want directory.Hint) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case h := <-w.hints:
			if h == want {
				return
			}
			w.t.Logf("also: %+v", h)
		case err := <-w.ended:
			w.t.Fatalf("the watch ended: %v", err)
		case <-deadline:
			w.t.Fatalf("no hint %+v", want)
		}
	}
}

// stop ends the watch, which must give nil.
func (w *watching) stop() {
	w.t.Helper()
	w.cancel()
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("a watch that is stopped gives %v", err)
		}
	case <-time.After(patience):
		w.t.Fatal("the watch goes on")
	}
}

// settled waits until both persistent searches have got through their first
// refresh: they tell of a change of the base's units and people.
func (b *bench) settled(w *watching) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	seen := map[directory.Kind]bool{}
	for i := 0; len(seen) < 2 && time.Now().Before(deadline); i++ {
		u := b.seedUser(person(100 + i))
		d := b.seedDepartment(connectortest.Department{Name: fmt.Sprintf("ready%d", i)})
		short := time.After(300 * time.Millisecond)
	drain:
		for len(seen) < 2 {
			select {
			case h := <-w.hints:
				if h.Key.ID == u || h.Key.ID == d {
					seen[h.Key.Kind] = true
				}
			case err := <-w.ended:
				b.t.Fatalf("the watch ended: %v", err)
			case <-short:
				break drain
			}
		}
	}
	if len(seen) < 2 {
		b.t.Fatal("the watch never told of anything")
	}
}

// TestWatchOpenLDAP follows a real server, with and without a session log, which
// names deletions in two different ways after a break.
func TestWatchOpenLDAP(t *testing.T) {
	t.Parallel()
	for name, overlay := range map[string]string{
		"with a session log": "overlay syncprov\nsyncprov-checkpoint 1 1\nsyncprov-sessionlog 1000\n",
		"without one":        "overlay syncprov\nsyncprov-checkpoint 1 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startSlapd(t, slapdOptions{overlay: overlay})
			b := newBench(t, server)
			early, gone, moved := b.seedUser(person(1)), b.seedUser(person(2)), b.seedUser(person(3))
			dev := b.seedDepartment(connectortest.Department{Name: "研发"})
			w := b.watch()
			b.settled(w)
			fresh := b.seedUser(person(5))
			w.see(directory.Hint{Key: userKey(fresh)})
			if err := server.modify(b.dnOf(early), "title", "经理"); err != nil {
				t.Fatal(err)
			}
			w.see(directory.Hint{Key: userKey(early)})
			if err := server.move(b.dnOf(moved), "uid=u003", b.dnOf(dev)); err != nil {
				t.Fatal(err)
			}
			w.see(directory.Hint{Key: userKey(moved)})
			if err := server.remove(b.dnOf(fresh)); err != nil {
				t.Fatal(err)
			}
			w.see(directory.Hint{Key: userKey(fresh), Gone: true})
			// The connection breaks, and the server cannot be reached for a while.
			down := func(r *request) bool { return r.tag == ldap.ApplicationBindRequest }
			var mu sync.Mutex
			closed := true
			b.arm(-1, func(r *request) bool { mu.Lock(); defer mu.Unlock(); return closed && down(r) }, answer(verdict{code: 52}))
			b.cutAll()
			if err := server.remove(b.dnOf(gone)); err != nil {
				t.Fatal(err)
			}
			if err := server.modify(b.dnOf(early), "title", "总监"); err != nil {
				t.Fatal(err)
			}
			if err := server.remove(b.dnOf(moved)); err != nil {
				t.Fatal(err)
			}
			if err := server.remove(b.dnOf(dev)); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			closed = false
			mu.Unlock()
			want := map[directory.Hint]bool{
				{Key: userKey(gone), Gone: true}: true, {Key: userKey(moved), Gone: true}: true, {Key: userKey(early)}: true,
				{Key: departmentKey(dev), Gone: true}: true,
			}
			for len(want) > 0 {
				select {
				case h := <-w.hints:
					delete(want, h)
				case err := <-w.ended:
					t.Fatalf("the watch ended: %v", err)
				case <-time.After(patience):
					t.Fatalf("never told: %v", want)
				}
			}
			w.stop()
		})
	}
}

// TestWatchUnsupported watches a server that does not tell of changes.
func TestWatchUnsupported(t *testing.T) {
	t.Parallel()
	server := startSlapd(t, slapdOptions{})
	b := newBench(t, server)
	w := b.watch()
	select {
	case err := <-w.ended:
		if fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%v", err)
		}
	case <-time.After(patience):
		t.Fatal("the watch goes on")
	}
}

// dirSyncScript answers DirSync: one answer after the other for people, and
// nothing new for departments.
type dirSyncScript struct {
	mu      sync.Mutex
	answers []func(*request, []byte) []*ber.Packet
	cookies []string
	flags   []uint32
}

func (s *dirSyncScript) answer(r *request) verdict {
	value, err := ber.DecodePacketErr(r.oids[ldap.ControlTypeDirSync])
	if err != nil || len(value.Children) != 3 {
		return verdict{code: 2, text: "broken control"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	cookie := value.Children[2].Data.Bytes()
	if r.filter != "(objectClass=user)" || len(s.answers) == 0 {
		return verdict{answers: []*ber.Packet{dirSyncDone(r, 0, string(cookie)+"d")}}
	}
	s.cookies = append(s.cookies, string(cookie))
	s.flags = append(s.flags, binary.BigEndian.Uint32(value.Children[0].Data.Bytes()))
	next := s.answers[0]
	s.answers = s.answers[1:]
	return verdict{answers: next(r, cookie)}
}

func dirSyncDone(r *request, flags int64, cookie string) *ber.Packet {
	return done(r, 0, "", &dirSyncAnswer{flags: flags, cookie: cookie})
}

// dirSyncAnswer is the control of an answer (MS-ADTS 3.1.1.3.4.1.3).
type dirSyncAnswer struct {
	flags  int64
	cookie string
}

func (c *dirSyncAnswer) GetControlType() string { return ldap.ControlTypeDirSync }
func (c *dirSyncAnswer) String() string         { return c.cookie }

func (c *dirSyncAnswer) Encode() *ber.Packet {
	packet := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	packet.AppendChild(octets(ldap.ControlTypeDirSync))
	seq := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	seq.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, c.flags, ""))
	seq.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(0), ""))
	seq.AppendChild(octets(c.cookie))
	packet.AppendChild(octets(string(seq.Bytes())))
	return packet
}

// TestWatchAD follows Active Directory by DirSync.
func TestWatchAD(t *testing.T) {
	t.Parallel()
	f, b := newAD(t, func(o *ldapdir.Options) { o.Poll = time.Minute })
	old, fresh, gone, pc := f.user("旧", "old", adBase), f.user("新", "new", adBase), f.user("走", "gone", adBase), f.user("PC", "PC$", adBase)
	change := func(e *adEntry, more ...string) map[string][]string {
		out := map[string][]string{"objectGUID": {e.get("objectGUID")}}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = append(out[more[i]], more[i+1])
		}
		return out
	}
	refuse := func(code int) func(*request, []byte) []*ber.Packet {
		return func(r *request, _ []byte) []*ber.Packet { return []*ber.Packet{done(r, code, "refused")} }
	}
	s := &dirSyncScript{answers: []func(*request, []byte) []*ber.Packet{
		refuse(50), // without the right to replicate: again with the flag
		func(r *request, _ []byte) []*ber.Packet { // where things stand, in two parts
			return []*ber.Packet{entry(r, old.dn, change(old)), entry(r, pc.dn, change(pc, "objectClass", "user", "objectClass", "computer")), dirSyncDone(r, 1, "c1")}
		},
		func(r *request, _ []byte) []*ber.Packet {
			return []*ber.Packet{entry(r, gone.dn, change(gone)), dirSyncDone(r, 0, "c2")}
		},
		func(r *request, _ []byte) []*ber.Packet { // changes
			return []*ber.Packet{
				entry(r, fresh.dn, change(fresh, "name", "新")), entry(r, pc.dn, change(pc, "name", "PC")),
				entry(r, `CN=走\0ADEL:x,CN=Deleted Objects,`+adBase, change(gone, "isDeleted", "TRUE")), dirSyncDone(r, 0, "c3"),
			}
		},
		refuse(12), // the cookie is of another server
		func(r *request, _ []byte) []*ber.Packet {
			return []*ber.Packet{entry(r, old.dn, change(old)), dirSyncDone(r, 0, "c4")}
		},
		func(r *request, _ []byte) []*ber.Packet {
			return []*ber.Packet{entry(r, old.dn, change(old, "title", "x")), dirSyncDone(r, 0, "c5")}
		},
	}}
	b.arm(-1, func(r *request) bool { _, ok := r.oids[ldap.ControlTypeDirSync]; return ok }, s.answer)
	w := b.watch()
	var got []directory.Hint
	for len(got) < 4 {
		select {
		case h := <-w.hints:
			got = append(got, h)
		case err := <-w.ended:
			t.Fatalf("the watch ended: %v", err)
		case <-time.After(patience):
			t.Fatalf("only %v", got)
		}
	}
	w.stop()
	first := map[directory.Hint]bool{got[0]: true, got[1]: true}
	if !first[directory.Hint{Key: userKey(fresh.id())}] || !first[directory.Hint{Key: userKey(gone.id()), Gone: true}] {
		t.Errorf("first %v", got[:2])
	}
	if got[2] != (directory.Hint{Key: userKey("")}) || got[3] != (directory.Hint{Key: userKey(old.id())}) {
		t.Errorf("then %v", got[2:])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, want := range []string{"", "", "c1", "c2", "c3", "", "c4"} {
		if s.cookies[i] != want || (s.flags[i] == 1) != (i > 0) {
			t.Errorf("call %d came with the cookie %q and flags %d, want %q", i, s.cookies[i], s.flags[i], want)
		}
	}
}

// TestWatchRefused watches with an account that may not follow changes, and with
// a wrong password.
func TestWatchRefused(t *testing.T) {
	t.Parallel()
	for code, kind := range map[int]fault.Kind{50: fault.Unsupported, 12: fault.Unsupported, 49: fault.Credential} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			_, b := newAD(t)
			b.arm(-1, func(r *request) bool {
				_, ok := r.oids[ldap.ControlTypeDirSync]
				return ok && code != 49 || r.tag == ldap.ApplicationBindRequest && code == 49
			}, answer(verdict{code: code, text: "refused"}))
			w := b.watch()
			select {
			case err := <-w.ended:
				if fault.KindOf(err) != kind {
					t.Errorf("%v", err)
				}
			case <-time.After(patience):
				t.Fatal("the watch goes on")
			}
		})
	}
}
