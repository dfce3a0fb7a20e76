package bot

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// What platforms make of a line with mentions, after they took out that of the
// bot itself.
func TestG3_MentionVectors(t *testing.T) {
	t.Parallel()
	li := Mention{ID: "ou_limin", Name: "Li Min"}
	for name, c := range map[string]struct {
		text     string
		mentions []Mention
		want     Command
	}{
		"blanks that the mention leaves": {text: "  \u2005/status hr", want: Command{Verb: Status, Lang: EN, Flow: "hr"}},
		"a rich text's line end":         {text: "\n同步 hr\n", want: Command{Verb: Sync, Lang: ZH, Flow: "hr"}},
		"a name with blanks":             {text: "delegate @Li Min --until=fri", mentions: []Mention{li}, want: Command{Verb: Delegate, Lang: EN, Person: "@Li Min", Until: "fri"}},
		"no blank around the mention":    {text: "委托@Li Min到:周五", mentions: []Mention{li}, want: Command{Verb: Delegate, Lang: ZH, Person: "@Li Min", Until: "周五"}},
		"a name that begins another": {
			text: "whois @Li Ming", mentions: []Mention{{ID: "a", Name: "Li Min"}, {ID: "b", Name: "Li Ming"}}, want: Command{Verb: Whois, Lang: EN, Person: "@Li Ming"},
		},
		"in an option": {text: "历史 --谁=@Li Min --天=3", mentions: []Mention{li}, want: Command{Verb: History, Lang: ZH, Person: "@Li Min", Days: 3}},
		"in a list":    {text: "批准 7K3MQ2 仅=@Li Min、研发部 删除=1", mentions: []Mention{li}, want: Command{Verb: Approve, Lang: ZH, Code: theCode, Only: "@Li Min,研发部", Typed: typed(1, -1, -1)}},
		"a name with marks": {
			text: `delegate @x" --flow=all, "y`, mentions: []Mention{{ID: "z", Name: `x" --flow=all, "y`}}, want: Command{Verb: Delegate, Lang: EN, Person: "@x --flowall y"},
		},
		"a name in two lines":  {text: "whois @a\nsync hr", mentions: []Mention{{ID: "z", Name: "a\nsync hr"}}, want: Command{Verb: Whois, Lang: EN, Person: "@a sync hr"}},
		"DingTalk cuts it out": {text: "委托 到:周五", mentions: []Mention{{ID: "staff_limin"}}, want: Command{Verb: Delegate, Lang: ZH, Person: "@staff_limin", Until: "周五"}},
	} {
		if c.want.Page = 1; c.want.Typed == (run.Restated{}) {
			c.want.Typed = run.NotRestated()
		}
		if got, err := command(Message{Text: c.text, Mentions: c.mentions}); err != nil || got != c.want {
			t.Errorf("%s: %q = %+v, %v; want %+v", name, c.text, got, err, c.want)
		}
	}
	for name, m := range map[string]Message{
		"all are called":             {Text: "@all 同步 hr"},
		"somebody else is called":    {Text: "@Li Min sync hr", Mentions: []Mention{li}},
		"somebody is called as well": {Text: "sync hr @Li Min", Mentions: []Mention{li}},
		"two persons":                {Text: "delegate @Li Min @Zhou Kai", Mentions: []Mention{li, {ID: "ou_zhoukai", Name: "Zhou Kai"}}},
		"no persons":                 {Text: "委托 @"},
		"two cut out":                {Text: "委托 到:周五", Mentions: []Mention{{ID: "a"}, {ID: "b"}}},
	} {
		if got, err := command(m); err == nil {
			t.Errorf("%s: %q is read as %+v", name, m.Text, got)
		}
	}
}

// A person is found by the id of a mention; a display name is decoration.
func TestPersonOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.People[0].EmployeeNo, w.b.o.People[0].Email = "00120412", "li.min@example.com"
	w.b.o.People[1].Email = "LI.min@example.com"
	for name, c := range map[string]struct {
		word     string
		mentions []Mention
		want     string
		kind     fault.Kind
	}{
		"a mention":                    {word: "@Boss", mentions: []Mention{{ID: "ou_limin", Name: "Boss"}}, want: "Li Min"},
		"a mention of nobody":          {word: "@Boss", mentions: []Mention{{ID: "ou_x", Name: "Boss"}}, kind: fault.NotFound},
		"one name, two persons":        {word: "@Kai", mentions: []Mention{{ID: "ou_limin", Name: "Kai"}, {ID: "ou_zhoukai", Name: "Kai"}}, kind: fault.Conflict},
		"a mention without a name":     {word: "@Kai", mentions: []Mention{{ID: "ou_zhoukai"}}, want: "Zhou Kai"},
		"two mentions without names":   {word: "@Kai", mentions: []Mention{{ID: "ou_zhoukai"}, {ID: "ou_limin"}}, kind: fault.NotFound},
		"the id itself":                {word: "@ou_zhoukai", mentions: []Mention{{ID: "ou_zhoukai"}, {ID: "ou_limin"}}, want: "Zhou Kai"},
		"an id of another platform":    {word: "@Kai", mentions: []Mention{{ID: "staff_zhoukai", Name: "Kai"}}, kind: fault.NotFound},
		"an exact name":                {word: "Zhou Kai", want: "Zhou Kai"},
		"an exact name, written as @":  {word: "@Zhou Kai", want: "Zhou Kai"},
		"a part of a name":             {word: "Zhou", kind: fault.NotFound},
		"an employee number":           {word: "00120412", want: "Li Min"},
		"a mail address of two people": {word: "li.min@example.com", kind: fault.Conflict},
		"nothing":                      {word: "", kind: fault.NotFound},
	} {
		p, err := w.b.personOf(Message{Platform: run.Feishu, Mentions: c.mentions}, c.word)
		switch {
		case c.kind != "" && fault.KindOf(err) != c.kind:
			t.Errorf("%s: %+v, %v; want a fault of kind %s", name, p, err, c.kind)
		case c.kind == "" && (err != nil || p.Name != c.want):
			t.Errorf("%s: %+v, %v; want %s", name, p, err, c.want)
		case err != nil && strings.Contains(fault.Say(err), "%!"):
			t.Errorf("%s: %s", name, fault.Say(err))
		}
	}
}
