package matrix

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// payroll is a source in memory that never fails: what goes wrong in the tests of
// targets goes wrong there alone.
type payroll struct {
	now func() time.Time

	mu      sync.Mutex
	objects map[directory.Key]directory.Object
}

var _ connector.Source = (*payroll)(nil)

func newPayroll(now func() time.Time) *payroll {
	return &payroll{now: now, objects: map[directory.Key]directory.Object{}}
}

func (s *payroll) Describe() connector.Info {
	return connector.Info{Type: "memory", Tenant: "payroll", CallTimeout: time.Second, Settle: time.Second, Ops: map[directory.Kind][]plan.Op{}}
}

func (s *payroll) Read(context.Context) (*directory.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := directory.NewBuilder("payroll", s.now())
	for _, o := range s.objects {
		b.Add(o)
	}
	snap, _ := b.Finish()
	return snap, nil
}

func (s *payroll) Lookup(_ context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		out[i].Presence = connector.Gone
		if o, there := s.objects[directory.Key{Kind: kind, ID: id}]; there {
			out[i] = connector.Sighting{Presence: connector.Present, Object: o}
		}
	}
	return out, nil
}

func (s *payroll) put(key directory.Key, a directory.Attributes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = directory.Object{Key: key, Active: true, Attributes: a}
}

func (s *payroll) drop(key directory.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// set changes one attribute.
func (s *payroll) set(key directory.Key, name string, v directory.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	o.Attributes = maps.Clone(o.Attributes)
	o.Attributes[name] = v
	s.objects[key] = o
}

// payrollWords are the names by which it shows what mappings want. It has no
// managers: each change of the tests is one write of the target.
func payrollWords() words {
	w := standardWords()
	w.manager = ""
	return w
}

func userKey(no string) directory.Key {
	return directory.Key{Kind: directory.User, ID: directory.ID(no)}
}

func unitKeyOf(id string) directory.Key {
	return directory.Key{Kind: directory.Department, ID: directory.ID(id)}
}

// hire puts somebody into the one department that never changes.
func (s *payroll) hire(no string) {
	var n int
	_, _ = fmt.Sscanf(no, "E%d", &n)
	s.put(userKey(no), directory.Attributes{
		"employee_no": directory.TextOf(no), "name": directory.TextOf("员工" + no), "title": directory.TextOf("工程师"),
		"mobile": directory.TextOf(fmt.Sprintf("138%08d", 1000+n)), "email": directory.TextOf(no + "@example.com"),
		"departments": directory.RefsToKind(directory.Department, "d0"),
	})
}

// found makes a department at the top.
func (s *payroll) found(id, name string) {
	s.put(unitKeyOf(id), directory.Attributes{"id": directory.TextOf(id), "name": directory.TextOf(name)})
}
