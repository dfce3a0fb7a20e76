package dingtalkbot_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
)

// component is a part of a card template.
type component struct {
	Name  string `json:"componentName"`
	Props struct {
		Content struct{ Variable string }
		Visible struct {
			Condition struct {
				Conditions []struct{ Variable, Op string }
			}
		}
		CardName struct{ Content string }
		TagText  struct{ Content string }
		Buttons  []struct {
			ActionType string
			Text       struct{ Content string }
			Params     []struct{ Name, Variable, Type string }
			Visible    struct {
				Condition struct {
					Conditions []struct{ Variable, Op string }
				}
			}
		}
	}
	Children []component
}

// TestTheTemplateFits: the template that docs/bots ships has exactly the
// variables that a card is sent with, draws them all, and its buttons send back
// what a press is read from.
func TestTheTemplateFits(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/bots/dingtalk-card.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Type, Mode, EditorData string }
	if err := json.Unmarshal(raw, &file); err != nil || file.Type != "standard" || file.Mode != "card" {
		t.Fatalf("%+v %v", file, err)
	}
	var in struct {
		VariableList []struct {
			Name, Type string
			Private    bool
		}
		Schema struct{ ComponentsTree []component }
	}
	if err := json.Unmarshal([]byte(file.EditorData), &in); err != nil || len(in.Schema.ComponentsTree) != 1 {
		t.Fatal(err)
	}
	w := setup(t, withTemplate)
	place, err := w.bot.Send(t.Context(), live(ask()), "k", "")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := w.Card(place)
	var names []string
	for _, v := range in.VariableList {
		names = append(names, v.Name)
		if strings.HasSuffix(v.Name, "_shown") != (v.Type == "boolean") || v.Private != (v.Name == "notice") {
			t.Errorf("%+v", v)
		}
	}
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(c.Params)); !slices.Equal(names, want) {
		t.Errorf("the template has %v, a card is sent %v", names, want)
	}
	if c.Params["state"] != "需要注意" || c.Params["body1_shown"] != "true" || c.Params["body8_shown"] != "false" {
		t.Errorf("%+v", c.Params)
	}
	root := in.Schema.ComponentsTree[0]
	if root.Props.CardName.Content != "${title}" || root.Props.TagText.Content != "${state}" {
		t.Errorf("%+v", root.Props)
	}
	drawn := map[string]bool{"title": true, "state": true, "tone": true, "digest": true}
	for _, part := range root.Children {
		drawn[part.Props.Content.Variable] = true
		for _, cond := range part.Props.Visible.Condition.Conditions {
			drawn[cond.Variable] = cond.Op == "isTrue" && cond.Variable == part.Props.Content.Variable+"_shown"
		}
		for _, b := range part.Props.Buttons {
			name := strings.TrimSuffix(strings.TrimPrefix(b.Text.Content, "${"), "_label}")
			drawn[name+"_label"] = b.ActionType == "request"
			drawn[name+"_command"] = len(b.Params) == 2 && b.Params[0].Name == "command" && b.Params[0].Variable == name+"_command"
			drawn[name+"_shown"] = len(b.Visible.Condition.Conditions) == 1 && b.Visible.Condition.Conditions[0].Variable == name+"_shown" &&
				b.Params[1].Name == "digest" && b.Params[1].Variable == "digest"
		}
	}
	for _, name := range names {
		if !drawn[name] {
			t.Errorf("%s is not drawn", name)
		}
	}
}

func TestStatesAreSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	for _, tone := range []bot.Tone{bot.Info, bot.Waits, bot.Danger, bot.Good, bot.Warn, bot.Quiet, "odd"} {
		said := map[bot.Lang]string{}
		for _, lang := range []bot.Lang{bot.ZH, bot.EN} {
			o := live(info())
			o.Lang, o.Card.Tone = lang, tone
			place, err := w.bot.Send(t.Context(), o, string(tone+"/")+string(lang), "")
			if err != nil {
				t.Fatal(err)
			}
			c, _ := w.Card(place)
			said[lang] = c.Params["state"]
		}
		if said[bot.ZH] == "" || said[bot.EN] == "" || said[bot.ZH] == said[bot.EN] {
			t.Errorf("%s: %v", tone, said)
		}
	}
}
