package dingtalk_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

// corp seeds a small corp: departments 10 and 20 below the root, 11 below 10;
// lead leads 10; both is in 20 and 10; top stands at the root.
func (b *bench) corp() {
	b.t.Helper()
	for _, d := range []dingtalksim.Department{
		{ID: 10, Name: "研发部", Order: 5, SourceIdentifier: "D10", Code: "RD"}, {ID: 20, Name: "人事部"}, {ID: 11, Name: "平台组", Parent: 10},
	} {
		if _, err := b.SeedDepartment(d); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, u := range []dingtalksim.User{
		{ID: "lead", Name: "李雷", Mobile: "13800000001", Departments: []int64{10}, JobNumber: "007", Email: "lead@corp.example"},
		{
			ID: "both", Name: "韩梅", Mobile: "+852-51234567", Departments: []int64{20, 10}, Manager: "lead", Title: "工程师",
			Orders: map[int64]int64{10: 7}, HiredDate: 1597573616828, Extension: map[string]string{"爱好": "旅游", "年龄": "24"},
		},
		{ID: "top", Name: "顶层", Mobile: "13800000003"},
	} {
		if _, err := b.SeedUser(u); err != nil {
			b.t.Fatal(err)
		}
	}
	err := b.Console().ChangeDepartment(10, func(d *dingtalksim.Department) { d.Managers = []string{"lead"} })
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read() *directory.Snapshot {
	b.t.Helper()
	s, err := b.conn.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) complete() *directory.Snapshot {
	b.t.Helper()
	s := b.read()
	if !s.Complete() {
		b.t.Fatalf("incomplete: %s", s.Health.PartialFor)
	}
	return s
}

func user(id directory.ID) directory.Key { return directory.Key{Kind: directory.User, ID: id} }

func department(id directory.ID) directory.Key {
	return directory.Key{Kind: directory.Department, ID: id}
}

func (b *bench) get(s *directory.Snapshot, key directory.Key) directory.Object {
	b.t.Helper()
	o, ok := s.Get(key)
	if !ok {
		b.t.Fatalf("%s was not read", key)
	}
	return o
}

func (b *bench) lookup(key directory.Key) connector.Sighting {
	b.t.Helper()
	seen, err := b.conn.Lookup(b.t.Context(), key.Kind, []directory.ID{key.ID})
	if err != nil {
		b.t.Fatal(err)
	}
	return seen[0]
}

func (b *bench) apply(op plan.Op, key directory.Key, after directory.Attributes) (directory.Key, error) {
	b.t.Helper()
	return b.conn.Apply(b.t.Context(), connector.Write{Op: op, Key: key, After: after, Token: "7k3mq2-1"})
}

func (b *bench) must(op plan.Op, key directory.Key, after directory.Attributes) directory.Key {
	b.t.Helper()
	got, err := b.apply(op, key, after)
	if err != nil {
		b.t.Fatalf("%s %s: %v", op, key, err)
	}
	if bad := b.UnknownFields(); len(bad) > 0 {
		b.t.Errorf("fields that DingTalk does not know: %v", bad)
	}
	return got
}

// refused makes a change that must fail with a kind.
func (b *bench) refused(kind fault.Kind, op plan.Op, key directory.Key, after directory.Attributes) {
	b.t.Helper()
	_ = b.refusal(kind, op, key, after) // of that kind, else the test has ended
}

// refusal is refused for who looks at more than the kind.
func (b *bench) refusal(kind fault.Kind, op plan.Op, key directory.Key, after directory.Attributes) error {
	b.t.Helper()
	_, err := b.apply(op, key, after)
	if fault.KindOf(err) != kind {
		b.t.Fatalf("%s %s gives %v, want %s", op, key, err, kind)
	}
	return err
}

func (b *bench) user(id string) dingtalksim.User {
	b.t.Helper()
	u, ok := b.User(id)
	if !ok {
		b.t.Fatalf("%s is not in the corp", id)
	}
	return u
}

func depts(list ...directory.ID) directory.Value {
	return directory.RefsToKind(directory.Department, list...)
}

func checkAttributes(t *testing.T, o directory.Object, want directory.Attributes) {
	t.Helper()
	for name, v := range want {
		got := o.Attributes[name]
		if v.Type() == directory.Unknown {
			if got.Type() != directory.Unknown {
				t.Errorf("%s of %s is %s %q, want hidden", name, o.Key, got.Type(), got)
			}
			continue
		}
		if got.Type() != v.Type() || !got.Equal(v) {
			t.Errorf("%s of %s is %s %q, want %s %q", name, o.Key, got.Type(), got, v.Type(), v)
		}
	}
}
