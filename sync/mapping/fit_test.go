package mapping_test

import (
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

func TestFitAndOpen(t *testing.T) {
	t.Parallel()
	m, err := mapping.Compile(mapping.Spec{Match: []string{"employee_no", "email"}, Rules: []mapping.Rule{
		{To: "userid", From: "employee_no"}, {To: "mail", From: "email"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Match(); !slices.Equal(got, []string{"employee_no", "email"}) {
		t.Errorf("match keys %v", got)
	}
	object := func(id string, a map[string]string) directory.Object {
		o := directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Attributes: directory.Attributes{}}
		for name, text := range a {
			o.Attributes[name] = directory.TextOf(text)
			if text == "?" {
				o.Attributes[name] = directory.Hidden("read:" + name)
			}
		}
		return o
	}
	type attrs = map[string]string
	for name, c := range map[string]struct {
		source, target attrs // target nil: none
		fit            []string
		open           string
	}{
		"the id decides":               {attrs{"employee_no": "Ａ1", "email": "x@x.cn"}, attrs{"userid": "a1", "mail": "X@X.cn "}, []string{"employee_no", "email"}, ""},
		"a stranger has the id":        {attrs{"employee_no": "a1"}, attrs{"userid": "b2"}, nil, ""},
		"a stranger, and mail is open": {attrs{"employee_no": "a1", "email": "x@x.cn"}, attrs{"userid": "b2", "mail": "x@x.cn"}, []string{"email"}, "email"},
		"nobody has the id":            {attrs{"employee_no": "a1"}, nil, nil, ""},
		"nobody, and mail is open":     {attrs{"employee_no": "a1", "email": "x@x.cn"}, nil, nil, "email"},
		"hidden is no evidence":        {attrs{"employee_no": "?", "email": "?"}, attrs{"userid": "?", "mail": "?"}, nil, ""},
		"hidden in the target":         {attrs{"email": "x@x.cn"}, attrs{"mail": "?"}, nil, "email"},
		"no key at all":                {attrs{}, attrs{"userid": "a1"}, nil, ""},
	} {
		source, target := object("s", c.source), directory.Object{}
		if c.target != nil {
			target = object("t", c.target)
		}
		if got := m.Fit(source, target); !slices.Equal(got, c.fit) {
			t.Errorf("%s: fit %v, want %v", name, got, c.fit)
		}
		if got := m.Open(source, target, "userid"); got != c.open {
			t.Errorf("%s: open %q, want %q", name, got, c.open)
		}
	}
	if got := m.Open(object("s", attrs{"employee_no": "a1"}), directory.Object{}, ""); got != "employee_no" {
		t.Errorf("without ids of ours %q is open, want employee_no", got)
	}
}
