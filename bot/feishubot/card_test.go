package feishubot

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
)

var update = flag.Bool("update", false, "write the golden files")

func line(texts ...string) bot.Line {
	var l bot.Line
	for _, s := range texts {
		l = append(l, bot.Span{Text: s})
	}
	return l
}

func many(n int, format string) []bot.Line {
	var out []bot.Line
	for i := range n {
		out = append(out, line(fmt.Sprintf(format, i+1)))
	}
	return out
}

// goldens are the cards whose drawings are kept in testdata.
func goldens() map[string]bot.Outgoing {
	ask := approval("oc_ops")
	ask.Mention = []string{"ou_zhou"}
	ask.Card.Foot = "7K3MQ2 · a1b2-c3d4"
	ask.Card.Sections = []bot.Section{
		{Lines: []bot.Line{line("人事库 → 飞书「星河科技」"), {{Text: "请发："}, {Text: "批准 7K3MQ2 删除=〈人数〉", Code: true}, {Text: " 或 "}, {Text: "驳回", Bold: true}}}},
		{Title: "删除 3", Bullet: true, Lines: many(3, "#%d 王磊（华东销售部，工号…0412）人事库 03-01 离职")},
		{Title: "新增 12 · 变更 64", Folded: true, Bullet: true, Lines: many(12, "员工%d")},
	}
	long := bot.Outgoing{Lang: bot.EN, Card: bot.Card{
		Title: "Blocked 7K3MQ2 · delete 340", Tone: bot.Danger,
		Sections: []bot.Section{{Title: "Delete", Bullet: true, Lines: many(75, "person %d")}},
	}}
	return map[string]bot.Outgoing{
		"approval": ask,
		"long":     long,
		"result": {Lang: bot.EN, Card: bot.Card{
			Title: "Done 7K3MQ2 · 80 of 81", Tone: bot.Warn,
			Sections: []bot.Section{{Title: "Skipped", Lines: []bot.Line{line("#78 changed since the plan")}}},
			Buttons:  []bot.Button{{Label: "Details", Command: "show 7K3MQ2", Style: bot.Primary}, {Label: "Undo", Command: "undo 7K3MQ2"}},
		}},
		"digest":     digest(bot.ZH),
		"digest-en":  digest(bot.EN),
		"superseded": {Lang: bot.ZH, Card: bot.Card{Title: "7K3MQ2 已被 9P2XD0 取代", Tone: bot.Quiet}},
	}
}

// digest is a card with a chart, and with what stands in its place elsewhere.
func digest(lang bot.Lang) bot.Outgoing {
	title, joined, left := "日报 · 11-25", "入职", "离职"
	if lang == bot.EN {
		title, joined, left = "Digest · 11-25", "joined", "left"
	}
	chart := &bot.Chart{Title: title}
	s := bot.Section{Title: title, Chart: chart, Bullet: true}
	for i, at := range []string{"11-23", "11-24", "11-25"} {
		chart.Points = append(chart.Points, bot.Point{At: at, Series: joined, Value: i + 1}, bot.Point{At: at, Series: left, Value: 3 - i})
		s.Lines = append(s.Lines, line(fmt.Sprintf("%s %s %d %s %d", at, joined, i+1, left, 3-i)))
	}
	return bot.Outgoing{Lang: lang, Card: bot.Card{Title: title, Tone: bot.Info, Sections: []bot.Section{s}}}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, o := range goldens() {
		for i, d := range drafts(o, bound{Chat: "oc_ops"}) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, []byte(d.parts[0]), "", "  "); err != nil || len(d.parts) != 1 {
				t.Fatalf("%s: %v, %d parts", name, err, len(d.parts))
			}
			pretty.WriteByte('\n')
			path := filepath.Join("testdata", fmt.Sprintf("%s.%d.%s.json", name, i, d.kind))
			if *update {
				if err := os.WriteFile(path, pretty.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(want, pretty.Bytes()) {
				t.Errorf("%s differs (%v); got:\n%s", path, err, &pretty)
			}
		}
	}
}

// hostile is what people may call themselves.
func hostile() []string {
	return []string{
		`<at id=all></at>`, `<at user_id="all">所有人</at>`, `[登录](https://evil.example)`, `![x](http://127.0.0.1/)`,
		`**已批准**`, "王磊\n✅ 已批准", "王磊\r\n删除 0", "a\u2028b\u2029c\u0085d", "`code`", "```\nx\n```", `$urlVal`, `dingtalk://x`, `@all`,
		`@13800138000`, "\u202e删除", "\u200b\u200d\ufeff", strings.Repeat("很长", 2000), "👩\u200d👩\u200d👧", `</div><script>alert(1)</script>`,
		`=HYPERLINK("http://x","y")`, `%0d%0a`, `*)(uid=*`, `'; drop`, `{{x}}`, `\n`, `&lt;at id=all&gt;`, "&#60;at id=all&#62;", ":DONE: 已批准",
		"- 条目", "+ 条目", "# 标题", "> 引用", "| a | b |", "~~x~~", "\x00\x1b[31m", "\xff\xfe", "<font color='red'>x</font>", "https://evil.example/x",
	}
}

// inject puts a text into every place where data can stand.
func inject(s string) bot.Outgoing {
	styled := bot.Line{{Text: s}, {Text: s, Bold: true}, {Text: s, Code: true}, {Text: " " + s + " "}}
	return bot.Outgoing{Lang: bot.ZH, Mention: []string{"ou_ok", s}, Card: bot.Card{
		Title: s, Tone: bot.Tone(s), Foot: s,
		Sections: []bot.Section{
			{Title: s, Lines: []bot.Line{line(s, s), styled}},
			{Title: s, Bullet: true, Folded: true, Lines: []bot.Line{line(s), styled}},
		},
		Buttons: []bot.Button{
			{Label: s, Command: s, Digest: s, Confirm: s, Style: bot.Style(s), Inputs: []bot.Input{{Name: s, Label: s}}},
			{Label: s, Command: s},
		},
	}}
}

// texts gives every text of a card that a person sees, markdown apart.
func texts(t *testing.T, content string) (plain, marked []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(content), &v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, content)
	}
	walk(v, func(m map[string]any) {
		s, ok := m["content"].(string)
		switch {
		case !ok:
		case m["tag"] == "markdown":
			marked = append(marked, s)
		default:
			plain = append(plain, s)
		}
	})
	return plain, marked
}

// harmless checks one text that holds data: lines is how many it may have.
func harmless(t *testing.T, name, s string, lines int) {
	t.Helper()
	if n := strings.Count(s, "\n") + 1; n > lines {
		t.Errorf("%s: %d lines for %d: %q", name, n, lines, s)
	}
	for _, bad := range []string{"<", ">", "](", "//", "\r", "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff"} {
		if strings.Contains(s, bad) {
			t.Errorf("%s: %q stands in %q", name, bad, s)
		}
	}
	for _, r := range strings.ReplaceAll(s, "\n", "") {
		if unicode.IsControl(r) || r == utf8.RuneError {
			t.Errorf("%s: %U stands in %q", name, r, s)
		}
	}
	if n := utf8.RuneCountInString(s); n > lines*(4*8*spanLimit) {
		t.Errorf("%s: %d characters", name, n)
	}
}

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	entity   = regexp.MustCompile(`&#[0-9]+;`)
)

func checkHarmless(t *testing.T, s string) {
	t.Helper()
	o := inject(s)
	for _, d := range drafts(o, bound{}) {
		switch d.kind {
		case asCard:
			plain, marked := texts(t, d.parts[0])
			for _, p := range plain {
				harmless(t, "card text", p, 1)
			}
			for i, m := range marked {
				if i == 0 {
					if m != "<at id=ou_ok></at>" {
						t.Errorf("mentions: %q", m)
					}
					continue
				}
				harmless(t, "markdown", m, 1)
				rest := entity.ReplaceAllString(strings.ReplaceAll(codeSpan.ReplaceAllString(m, ""), "**", ""), "")
				if strings.ContainsAny(rest, "*_~[]()`$!\\#&|:") {
					t.Errorf("live signs %q in %q", rest, m)
				}
			}
		case asPost:
			checkPost(t, d.parts[0])
		case asText:
			var in struct{ Text string }
			if err := json.Unmarshal([]byte(d.parts[0]), &in); err != nil {
				t.Fatal(err)
			}
			rest, ok := strings.CutPrefix(in.Text, `<at user_id="ou_ok"></at> `)
			if !ok {
				t.Errorf("mentions: %.60q", in.Text)
			}
			harmless(t, "text", rest, 12)
		}
	}
}

func checkPost(t *testing.T, content string) {
	t.Helper()
	var in map[string]struct {
		Title   string
		Content [][]struct {
			Tag, Text, Href string
			UserID          string `json:"user_id"`
		}
	}
	if err := json.Unmarshal([]byte(content), &in); err != nil {
		t.Fatal(err)
	}
	p := in["zh_cn"]
	harmless(t, "post title", p.Title, 1)
	for i, row := range p.Content {
		for _, c := range row {
			switch {
			case c.Tag == "at" && (i != 0 || c.UserID != "ou_ok"):
				t.Errorf("mentions %q", c.UserID)
			case c.Tag != "at" && c.Tag != "text" || c.Href != "":
				t.Errorf("piece %+v", c)
			}
			harmless(t, "post", c.Text, 1)
		}
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, s := range hostile() {
		checkHarmless(t, s)
	}
}

func FuzzDraw(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if accountID.MatchString(s) {
			return // then it is one of the people to be called
		}
		checkHarmless(t, s)
	})
}

func TestOnlyAccountsAreMentioned(t *testing.T) {
	t.Parallel()
	got := mentionable([]string{"all", "user_id:all", "ou_a", "on_b", "user_id:c.d", "ou_x></at><at id=all", "ou_", "", "OU_a"})
	if want := "ou_a on_b c.d"; strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("宽", 300)
	for name, o := range map[string]bot.Outgoing{
		"many rows":     {Card: bot.Card{Title: "t", Sections: []bot.Section{{Title: "s", Bullet: true, Lines: many(5000, "row %d "+wide)}}}},
		"many sections": {Card: bot.Card{Title: "t", Sections: make([]bot.Section, 0)}},
		"many buttons":  {Card: bot.Card{Title: "t", Buttons: make([]bot.Button, 60)}},
		"long plain":    {Card: bot.Card{Plain: true, Title: "t", Sections: []bot.Section{{Lines: many(5000, "row %d "+wide)}}}},
	} {
		if name == "many sections" {
			for range 80 {
				o.Card.Sections = append(o.Card.Sections, bot.Section{Title: "s", Lines: []bot.Line{line(wide)}})
			}
		}
		list := drafts(o, bound{})
		if len(list) < 2 {
			t.Fatalf("%s: %d drafts", name, len(list))
		}
		for _, d := range list {
			limit := map[string]int{asCard: cardBytes, asPost: 30 << 10, asText: 150 << 10}[d.kind]
			for _, part := range d.parts {
				if len(part) > limit {
					t.Errorf("%s as %s: %d bytes", name, d.kind, len(part))
				}
			}
		}
		if strings.HasPrefix(name, "many s") && list[0].kind != asPost || name == "many buttons" && list[0].kind != asPost {
			t.Errorf("%s begins as %s", name, list[0].kind)
		}
	}
}

func TestRowsThatAreNotShownAreCounted(t *testing.T) {
	t.Parallel()
	content, ok := cardOf(bot.Outgoing{Lang: bot.ZH, Card: bot.Card{Title: "t", Sections: []bot.Section{{Bullet: true, Lines: many(340, "人 %d "+strings.Repeat("宽", 200))}}}}, bound{}, true)
	if !ok || !strings.Contains(content, "…还有 330 项") || strings.Contains(content, "人 11 ") || !strings.Contains(content, "人 10 ") {
		t.Errorf("%v %.200s", ok, content)
	}
	content, ok = cardOf(goldens()["long"], bound{}, true)
	if !ok || !strings.Contains(content, "… and 65 more") || !strings.Contains(content, "… and 5 more") || !strings.Contains(content, "person 70") {
		t.Errorf("%v %s", ok, content)
	}
}

func BenchmarkDraw(b *testing.B) {
	o := goldens()["approval"]
	for b.Loop() {
		drafts(o, bound{})
	}
}

// Ten rows of a list, and the line that counts what a card does not name, are
// seen at once.
func TestShortListsAreNotFolded(t *testing.T) {
	t.Parallel()
	for n, folds := range map[int]bool{10: false, 11: false, 12: true} {
		card, ok := cardOf(bot.Outgoing{Card: bot.Card{Title: "x", Sections: []bot.Section{{Bullet: true, Lines: many(n, "line %d")}}}}, bound{}, true)
		if !ok || strings.Contains(card, "collapsible_panel") != folds {
			t.Errorf("%d lines: %s", n, card)
		}
	}
}
