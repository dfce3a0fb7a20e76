package wecom_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// TestWebTitle: an address that changes keeps the title that somebody gave it,
// where it can be read.
func TestWebTitle(t *testing.T) {
	t.Parallel()
	old := map[string]wecomsim.Web{"主页": {URL: "https://a", Title: "小鲍的主页"}}
	for name, c := range map[string]struct {
		shown bool
		had   map[string]wecomsim.Web
		to    string
		want  wecomsim.Web
		reads int
	}{
		"kept":      {true, old, "https://b", wecomsim.Web{URL: "https://b", Title: "小鲍的主页"}, 1},
		"the first": {true, nil, "https://b", wecomsim.Web{URL: "https://b", Title: "主页"}, 1},
		"not shown": {false, old, "https://b", wecomsim.Web{URL: "https://b", Title: "主页"}, 1},
		"cleared":   {true, old, "", wecomsim.Web{}, 0},
	} {
		b := newBench(t, true, func(corp *wecomsim.Options, o *wecom.Options) {
			corp.ExtAttrs, o.ExtAttrs = []string{"主页"}, []string{"web:主页"}
		})
		if err := b.AddUser(wecomsim.User{
			ID: "bob", Name: "鲍勃", Mobile: "13800000001", Departments: []int64{1}, MainDepartment: 1, Status: wecomsim.StatusActive, Webs: c.had,
		}); err != nil {
			t.Fatal(err)
		}
		if !c.shown {
			b.Inject(wecomsim.Fault{Path: "user/get", Code: 60011, Times: -1}) // outside the app's scope
		}
		_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: directory.Attributes{
			"extattr.主页": directory.TextOf(c.to),
		}})
		if u, _ := b.User("bob"); err != nil || u.Webs["主页"] != c.want {
			t.Errorf("%s: %v, the corp holds %+v, want %+v", name, err, u.Webs["主页"], c.want)
		}
		if n := b.Calls()["user/get"]; n != c.reads {
			t.Errorf("%s: %d reads, want %d", name, n, c.reads)
		}
	}
}

// TestWebTitleThatCannotBeRead: a failure to read is no reason to lose the title.
func TestWebTitleThatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, true, func(corp *wecomsim.Options, o *wecom.Options) {
		corp.ExtAttrs, o.ExtAttrs = []string{"主页"}, []string{"web:主页"}
	})
	team(t, b)
	b.Inject(wecomsim.Fault{Path: "user/get", Code: -1, Times: -1})
	_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Update, Key: key(directory.User, "bob"), After: directory.Attributes{
		"extattr.主页": directory.TextOf("https://b"),
	}})
	if fault.KindOf(err) != fault.Unavailable || b.Calls()["user/update"] != 0 {
		t.Errorf("%v with %v", err, b.Calls())
	}
}
