package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Tampering opens records, and opens them past the store as somebody does who has
// the database.
type Tampering struct {
	// Open fills what a database needs into the options and opens it.
	Open func(ctx context.Context, o store.Options) (*store.Store, error)
	// Raw opens the database of a folder.
	Raw func(t *testing.T, dir string) *sql.DB
}

// RunChain runs the suite of the audit's chain.
func RunChain(t *testing.T, o Tampering) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *vault){
		"T110 any mutation is found":           testMutations,
		"T110 a chain without a key":           testPlainChain,
		"T110 keys are replaced":               testKeys,
		"T111 nothing happens without a row":   testRefusing,
		"each deletion is told":                testDeletionsAreTold,
		"rows of an older record are sealed":   testSealing,
		"a gap does not stop the record":       testGap,
		"rows are listed":                      testRows,
		"verified from a row":                  testSince,
		"words that a database would not have": testHostileWords,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vault{Tampering: o, dir: t.TempDir(), clock: NewClock()}
			test(t, v)
		})
	}
}

// vault is a record whose database somebody can reach.
type vault struct {
	Tampering
	dir   string
	clock *Clock
}

func secretOf(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

func (v *vault) with(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	o.Dir, o.Now = v.dir, v.clock.Now
	s, err := v.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (v *vault) raw(t *testing.T) *sql.DB {
	t.Helper()
	db := v.Raw(t, v.dir)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// tell adds n rows.
func (v *vault) tell(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		a := run.Audit{Who: person("周凯"), Action: fmt.Sprint("act.", i%3), Run: "7K3MQ2", Detail: fmt.Sprint("第 ", i, " 行")}
		if err := s.Append(t.Context(), run.Event{}, a); err != nil {
			t.Fatal(err)
		}
		v.clock.Add(time.Second)
	}
}

// want fails the test unless the chain breaks at seq with the flaw; 0 = it is whole.
// An empty flaw is any.
func want(t tb, what string, p store.Proof, err error, seq int64, flaw store.Flaw) {
	t.Helper()
	switch {
	case err != nil:
		t.Fatalf("%s: %v", what, err)
	case seq == 0 && p.Break != nil:
		t.Fatalf("%s: %s in a chain that is whole", what, p.Break)
	case seq == 0:
	case p.Break == nil:
		t.Fatalf("%s: not found; it is at %d", what, seq)
	case p.Break.Seq != seq || flaw != "" && p.Break.Flaw != flaw:
		t.Fatalf("%s: found %s, want %q at %d", what, p.Break, flaw, seq)
	}
}

// tb is what *testing.T and *rapid.T have in common here.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

func testPlainChain(t *testing.T, v *vault) {
	s, db := v.with(t, store.Options{}), v.raw(t)
	empty, err := s.VerifyAudit(t.Context(), store.Check{})
	want(t, "an empty audit", empty, err, 0, "")
	v.tell(t, s, 5)
	p, err := s.VerifyAudit(t.Context(), store.Check{})
	if want(t, "as written", p, err, 0, ""); p.Rows != 5 || p.Plain != 5 || p.Head.Seq != 5 {
		t.Errorf("proof %+v", p)
	}
	noted := p.Head
	do(t, db, `UPDATE audit SET detail = 'x' WHERE seq = 3`)
	p, err = s.VerifyAudit(t.Context(), store.Check{})
	want(t, "a change", p, err, 3, store.FlawChanged)
	// Without a key the chain can be made anew; what was noted elsewhere tells.
	rows := load(t, db)
	remake(rows, 2, "", nil)
	save(t, db, rows, 5)
	p, err = s.VerifyAudit(t.Context(), store.Check{})
	want(t, "made anew, unnoticed without a key", p, err, 0, "")
	p, err = s.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{noted}})
	want(t, "made anew", p, err, 5, store.FlawRemade)
}

func testKeys(t *testing.T, v *vault) {
	first, second := secretOf("first"), secretOf("second")
	s := v.with(t, store.Options{})
	v.tell(t, s, 2)
	keyed := v.with(t, store.Options{AuditKeys: [][]byte{first}})
	p, err := keyed.VerifyAudit(t.Context(), store.Check{})
	want(t, "no row under the key yet", p, err, 1, store.FlawKey)
	h, err := keyed.AnchorAudit(t.Context())
	if err != nil || h.Seq != 3 {
		t.Fatalf("anchored at %v, %v; want a row that tells of the key", h, err)
	}
	if again, err := keyed.AnchorAudit(t.Context()); again != h || err != nil {
		t.Errorf("anchored again at %v, %v", again, err)
	}
	v.tell(t, keyed, 2)
	p, err = keyed.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{h}})
	if want(t, "under the key", p, err, 0, ""); p.Plain != 2 || p.Rows != 5 {
		t.Errorf("proof %+v", p)
	}
	next := v.with(t, store.Options{AuditKeys: [][]byte{second, first}})
	if _, err := next.AnchorAudit(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.tell(t, next, 2)
	p, err = next.VerifyAudit(t.Context(), store.Check{})
	if want(t, "the key was replaced", p, err, 0, ""); p.Rows != 8 {
		t.Errorf("proof %+v", p)
	}
	p, err = keyed.VerifyAudit(t.Context(), store.Check{})
	want(t, "who has the old key alone", p, err, 6, store.FlawKey)
	v.tell(t, keyed, 1)
	p, err = next.VerifyAudit(t.Context(), store.Check{})
	want(t, "a row under a key that was replaced", p, err, 9, store.FlawKey)
}

func testSealing(t *testing.T, v *vault) {
	key := [][]byte{secretOf("k")}
	s, db := v.with(t, store.Options{}), v.raw(t)
	const old = 1203 // more than two batches
	v.tell(t, s, old)
	do(t, db, `UPDATE audit SET hash = '', key_id = ''`) // as before the chain
	looked := v.with(t, store.Options{AuditKeys: key, AsFound: true})
	p, err := looked.VerifyAudit(t.Context(), store.Check{})
	want(t, "whoever only looks seals nothing", p, err, 1, store.FlawUnsealed)
	sealed := v.with(t, store.Options{AuditKeys: key})
	p, err = sealed.VerifyAudit(t.Context(), store.Check{})
	if want(t, "sealed", p, err, 0, ""); p.Rows != old+1 || p.Plain != 0 || len(p.Sealed) != 1 {
		t.Errorf("proof %+v", p)
	}
	head := p.Head
	again := v.with(t, store.Options{AuditKeys: key})
	if h, err := again.AuditHead(t.Context()); h != head || err != nil {
		t.Errorf("opening again made %v of %v, %v", h, head, err)
	}
	// A row that loses its hash afterwards is not given another.
	do(t, db, `UPDATE audit SET hash = '', detail = 'x' WHERE seq = 700`)
	p, err = v.with(t, store.Options{AuditKeys: key}).VerifyAudit(t.Context(), store.Check{})
	want(t, "a hash taken away", p, err, 700, store.FlawUnsealed)
	do(t, db, `UPDATE audit SET hash = '' WHERE seq < 10`)
	p, err = v.with(t, store.Options{AuditKeys: key}).VerifyAudit(t.Context(), store.Check{})
	want(t, "the first hashes taken away", p, err, 1, store.FlawUnsealed)
	// All taken away looks like an older record. What was noted tells, and so does
	// the second sealing.
	do(t, db, `UPDATE audit SET hash = '', key_id = ''`)
	last := v.with(t, store.Options{AuditKeys: key})
	p, err = last.VerifyAudit(t.Context(), store.Check{})
	if want(t, "all sealed anew", p, err, 0, ""); len(p.Sealed) != 2 {
		t.Errorf("sealed %v", p.Sealed)
	}
	p, err = last.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{head}})
	want(t, "all sealed anew, with a head", p, err, head.Seq, store.FlawRemade)
}

func testGap(t *testing.T, v *vault) {
	s, db := v.with(t, store.Options{AuditKeys: [][]byte{secretOf("k")}}), v.raw(t)
	v.tell(t, s, 3)
	do(t, db, `DELETE FROM audit WHERE seq = 3`)
	v.tell(t, s, 2)
	p, err := s.VerifyAudit(t.Context(), store.Check{})
	want(t, "the last row was taken out, others followed", p, err, 3, store.FlawMissing)
	do(t, db, `UPDATE audit SET seq = -3 WHERE seq = 1`)
	p, err = s.VerifyAudit(t.Context(), store.Check{})
	want(t, "a row before all", p, err, -3, store.FlawInserted)
}

func testRows(t *testing.T, v *vault) {
	s := v.with(t, store.Options{AuditKeys: [][]byte{secretOf("k")}})
	begin := v.clock.Now()
	v.tell(t, s, 7)
	seqs := func(f store.AuditFilter) []int64 {
		t.Helper()
		rows, err := s.AuditRows(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var all []int64
		for _, r := range rows {
			if all = append(all, r.Seq); len(r.Hash) != 64 || len(r.Key) != 8 || r.Who != person("周凯") || r.Run != "7K3MQ2" {
				t.Errorf("row %+v", r)
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		f    store.AuditFilter
		want []int64
	}{
		"all":    {store.AuditFilter{}, []int64{1, 2, 3, 4, 5, 6, 7}},
		"newest": {store.AuditFilter{Limit: 2}, []int64{6, 7}},
		"action": {store.AuditFilter{Action: "act.0"}, []int64{1, 4, 7}},
		"since":  {store.AuditFilter{Since: begin.Add(5 * time.Second), Run: "7K3MQ2"}, []int64{6, 7}},
		"none":   {store.AuditFilter{Run: "000008"}, nil},
	} {
		if got := seqs(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	h, err := s.AuditHead(t.Context())
	if err != nil || h.Seq != 7 {
		t.Fatalf("head %v, %v", h, err)
	}
	if back, err := store.ParseHead(h.String()); back != h || err != nil {
		t.Errorf("%v reads back as %v, %v", h, back, err)
	}
	short, err := store.ParseHead(h.Short())
	if err != nil || len(short.Hash) != store.HeadDigits {
		t.Fatalf("%s: %v, %v", h.Short(), short, err)
	}
	p, err := s.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{short}})
	want(t, "a short head", p, err, 0, "")
	for what, wrong := range map[string]string{"another": "00000000" + short.Hash[8:], "too short": short.Hash[:store.HeadDigits-1], "none": ""} {
		p, err = s.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{{Seq: h.Seq, Hash: wrong}}})
		want(t, what, p, err, h.Seq, store.FlawRemade)
	}
}

func testSince(t *testing.T, v *vault) {
	s, db := v.with(t, store.Options{AuditKeys: [][]byte{secretOf("k")}}), v.raw(t)
	v.tell(t, s, 4)
	early, err := s.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.tell(t, s, 6)
	p, err := s.VerifyAudit(t.Context(), store.Check{Since: 7, Heads: []store.Head{early}})
	if want(t, "from the seventh", p, err, 0, ""); p.Rows != 4 || p.Head.Seq != 10 {
		t.Errorf("proof %+v", p)
	}
	p, err = s.VerifyAudit(t.Context(), store.Check{Since: 11})
	want(t, "from behind the end", p, err, 0, "")
	p, err = s.VerifyAudit(t.Context(), store.Check{Since: 50})
	want(t, "from far behind the end", p, err, 49, store.FlawMissing)
	early.Hash = p.Head.Hash + early.Hash[len(p.Head.Hash)+1:] + "0"
	p, err = s.VerifyAudit(t.Context(), store.Check{Since: 7, Heads: []store.Head{early}})
	want(t, "a head before the first row", p, err, 4, store.FlawRemade)
	do(t, db, `UPDATE audit SET detail = '' WHERE seq IN (2, 8)`)
	p, err = s.VerifyAudit(t.Context(), store.Check{Since: 5})
	want(t, "only the later change", p, err, 8, store.FlawChanged)
}

func testHostileWords(t *testing.T, v *vault) {
	s := v.with(t, store.Options{AuditKeys: [][]byte{secretOf("k")}})
	for _, words := range []string{"a\x00b", "\xff\xfe", "\u202e倒", "'; DROP TABLE audit; --"} {
		if err := s.Append(t.Context(), run.Event{}, run.Audit{Action: "x", Detail: words}); err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	p, err := s.VerifyAudit(t.Context(), store.Check{})
	if want(t, "hostile words", p, err, 0, ""); p.Rows != 4 {
		t.Errorf("proof %+v", p)
	}
}

func do(t tb, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// testMutations draws one mutation after the other, each on the chain as it was
// written.
func testMutations(t *testing.T, v *vault) {
	key := secretOf("k")
	s, db := v.with(t, store.Options{AuditKeys: [][]byte{key}}), v.raw(t)
	const rows = 12
	v.tell(t, s, rows)
	whole := load(t, db)
	head, err := s.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"field", "delete", "renumbered", "swap", "insert", "append", "truncate", "remake", "copy"}
	seen := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		save(r, db, whole, rows)
		m := mutation{r: r, rows: slices.Clone(whole), counter: rows, key: key}
		what := rapid.SampledFrom(names).Draw(r, "mutation")
		at := m.apply(what)
		seen[what]++
		save(r, db, m.rows, m.counter)
		c := store.Check{}
		if m.anchored {
			c.Heads = []store.Head{head}
		}
		p, err := s.VerifyAudit(context.Background(), c)
		want(r, what, p, err, at, m.flaw)
	})
	t.Logf("mutations tried: %v", seen)
	save(t, db, whole, rows)
	p, err := s.VerifyAudit(t.Context(), store.Check{Heads: []store.Head{head}})
	want(t, "as written", p, err, 0, "")
}
