package markdown_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
)

var update = flag.Bool("update", false, "write the golden files")

func dialects() []markdown.Dialect {
	return []markdown.Dialect{markdown.Text, markdown.DingTalk, markdown.WeCom, markdown.Feishu}
}

// cards are one of each kind, in both languages.
func cards() map[string]map[bot.Lang]bot.Card {
	line := func(parts ...any) bot.Line {
		var l bot.Line
		for _, p := range parts {
			switch v := p.(type) {
			case string:
				l = append(l, bot.Span{Text: v})
			case bot.Span:
				l = append(l, v)
			}
		}
		return l
	}
	bold := func(s string) bot.Span { return bot.Span{Text: s, Bold: true} }
	code := func(s string) bot.Span { return bot.Span{Text: s, Code: true} }
	return map[string]map[bot.Lang]bot.Card{
		"approval": {
			bot.ZH: {
				Title: "待批准 7K3MQ2 · 删除 3 · 停用 2", Tone: bot.Danger, Foot: "7K3MQ2 · a1b2-c3d4",
				Sections: []bot.Section{
					{Lines: []bot.Line{line("人事库 → 飞书“星河科技”"), line("新增 12 · 变更 64 · ", bold("停用 2 · 删除 3"))}},
					{Title: "要删除的人", Bullet: true, Lines: []bot.Line{line("#77 王磊（华东销售部，工号…0412）"), line("#78 ", bold("陈静"), "（客服部）")}},
				},
				Buttons: []bot.Button{
					{Label: "批准", Command: "批准 7K3MQ2", Inputs: []bot.Input{{Name: "删除", Label: "要删除的人数"}, {Name: "停用", Label: "要停用的人数"}}},
					{Label: "驳回", Command: "驳回 7K3MQ2"},
				},
			},
			bot.EN: {
				Title: "Waits for approval 7K3MQ2 · delete 3 · disable 2", Tone: bot.Danger, Foot: "7K3MQ2 · a1b2-c3d4",
				Sections: []bot.Section{
					{Lines: []bot.Line{line("hr to Feishu"), line("create 12, update 64, ", bold("disable 2, delete 3"))}},
					{Title: "To be deleted", Bullet: true, Lines: []bot.Line{line("#77 Wang Lei (Sales East, no. …0412)"), line("#78 ", bold("Chen Jing"), " (Support)")}},
				},
				Buttons: []bot.Button{
					{Label: "Approve", Command: "approve 7K3MQ2", Inputs: []bot.Input{{Name: "delete", Label: "how many"}, {Name: "disable", Label: "how many"}}},
					{Label: "Reject", Command: "reject 7K3MQ2"},
				},
			},
		},
		"help": {
			bot.ZH: {Title: "没有“预研”这个命令", Tone: bot.Warn, Plain: true, Sections: []bot.Section{{Lines: []bot.Line{line("是不是：", code("预演 hr_to_wecom"))}}}},
			bot.EN: {Title: `No command "plna"`, Tone: bot.Warn, Plain: true, Sections: []bot.Section{{Lines: []bot.Line{line("Did you mean ", code("plan hr_to_wecom"), "?")}}}},
		},
		"result": {
			bot.ZH: {Title: "完成 7K3MQ2 · 成功 80", Tone: bot.Good, Sections: []bot.Section{
				{Title: "跳过", Folded: true, Lines: []bot.Line{line("#78 改回在职")}},
				{Title: "没有处理的：2 项", Folded: true, Lines: []bot.Line{line("甲"), line("乙")}, Short: line("没有处理的 2 项：", code("详情 7K3MQ2 保留"))},
			}},
			bot.EN: {Title: "Done 7K3MQ2 · 80 succeeded", Tone: bot.Good, Sections: []bot.Section{
				{Title: "Skipped", Folded: true, Lines: []bot.Line{line("#78 is back")}},
				{Title: "Left alone: 2", Folded: true, Lines: []bot.Line{line("one"), line("two")}, Short: line("2 left alone: ", code("show 7K3MQ2 notes"))},
			}},
		},
		"rules": {
			bot.ZH: {Title: "待批准 7K3MQ2 · 停用 1", Tone: bot.Waits, Sections: []bot.Section{
				{Lines: []bot.Line{line(bold("规则脚本出错 1 项"), "；规则保留 12 项、放弃 3 项：", code("详情 7K3MQ2 保留"))}},
				{Title: "规则脚本改过（与 703020 相比）：5120 个对象中有 37 个结果不同", Bullet: true, Lines: []bot.Line{
					line("变更 → ", bold("停用"), "：", bold("王*磊（…0300）")), line("……另有 36 个；在命令行看全部：", code("rollcall rules diff hr_to_wecom")),
				}},
				{Title: "停用和删除：共 1 个，全部列出", Bullet: true, Lines: []bot.Line{line(code("#6"), " 停用 ", bold("王*磊"), "：由规则决定 · ", code("a_b*`<at id=all>.js:12"))}},
			}},
			bot.EN: {Title: "Approve 7K3MQ2 · disable 1", Tone: bot.Waits, Sections: []bot.Section{
				{Lines: []bot.Line{line(bold("The rule failed on 1"), "; the rule holds 12, drops 3: ", code("show 7K3MQ2 notes"))}},
				{Title: "The rules have changed since 703020: 37 of 5120 objects are decided differently", Bullet: true, Lines: []bot.Line{
					line("update → ", bold("disable"), ": ", bold("Wang*Lei (…0300)")), line("… and 36 more; all, in a terminal: ", code("rollcall rules diff hr_to_wecom")),
				}},
				{Title: "Disable or delete: 1, all shown", Bullet: true, Lines: []bot.Line{line(code("#6"), " disable ", bold("Wang*Lei"), ": chosen by the rule · ", code("a_b*`<at id=all>.js:12"))}},
			}},
		},
		"over": {
			bot.ZH: {Title: "已被替换 7K3MQ2", Tone: bot.Quiet},
			bot.EN: {Title: "Superseded 7K3MQ2", Tone: bot.Quiet},
		},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, langs := range cards() {
		for lang, card := range langs {
			for _, d := range dialects() {
				file := filepath.Join("testdata", fmt.Sprintf("%s.%s.%s.md", name, d, lang))
				doc := markdown.Render(card, markdown.Options{
					Dialect: d, Lang: lang, Lead: "点名", Commands: card.Buttons, Address: "@点名", Mentions: []string{"manager4220"},
				})
				got := doc.Title + "\n----\n" + doc.Text + "\n"
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
				}
			}
		}
	}
}

// hostile are names that somebody chose to do harm.
func hostile() []string {
	return []string{
		"<at id=all></at>", `<at user_id="all">`, "[登录](https://evil.example)", "![x](http://127.0.0.1/)", "**已批准**",
		"a\n✅ 已批准", "a\r\n# 已批准", "a\u2028> 已批准", "`code` ``x``", "$urlVal", "dingtalk://dingtalkclient/page", "@all", "@13800138000",
		"\u202eevil", "a\u200bb", strings.Repeat("很长", 2000), "👨\u200d👩\u200d👧", "</div><script>alert(1)</script>", `=HYPERLINK("x")`,
		"%0d%0a", "*)(uid=*", "'; drop table", "# 标题", "- 项目", "+ x", "1. x", "2) x", "> 引用", "---", "===", "***", "___", "~~x~~",
		"    code", "\tcode", "| a | b |", "&lt;at&gt;", "&#64;all", `\*`, "<@lisi>", "<font color=\"info\">x</font>", "_x_", "__x__",
		"www.evil.example", "HTTPS://evil.example", "mailto:a@b.c", "[x]: //evil", "[^1]", "- [ ] x", "﹫all", "", " ", "\x00\x07", "\xff\xfe",
	}
}

// live finds what a renderer of markdown would obey, in a text without our own
// markup.
var live = regexp.MustCompile("[<>`*~\\[\\]|@&$\\\\]|//|(?i:www\\.)")

var starts = regexp.MustCompile(`^(?:[#>+=_-]|[0-9]+[.)]| )`)

func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, d := range dialects() {
		for _, name := range hostile() {
			for kind, span := range map[string]bot.Span{"text": {Text: name}, "bold": {Text: name, Bold: true}, "code": {Text: name, Code: true}} {
				for _, bullet := range []bool{false, true} {
					card := bot.Card{
						Title: name, Foot: name,
						Sections: []bot.Section{{Title: name, Bullet: bullet, Lines: []bot.Line{{span}, {{Text: "  "}, span, span}}}},
					}
					o := markdown.Options{Dialect: d, Lang: bot.EN, Commands: []bot.Button{{Label: name, Command: name, Inputs: []bot.Input{{Name: "delete", Label: name}}}}}
					doc := markdown.Render(card, o)
					check(t, fmt.Sprintf("%s %s %.30q", d, kind, name), d, doc)
				}
			}
		}
	}
}

// check takes our own markup away, and looks for any that is left.
func check(t *testing.T, what string, d markdown.Dialect, doc markdown.Doc) {
	t.Helper()
	if strings.ContainsAny(doc.Title, "\r\n") {
		t.Errorf("%s: title %q", what, doc.Title)
	}
	if !utf8.ValidString(doc.Text) || strings.Contains(doc.Text, "\u202e") || strings.Contains(doc.Text, "\u2028") {
		t.Errorf("%s: %q", what, doc.Text)
	}
	lines := strings.SplitSeq(doc.Text, "\n")
	for l := range lines {
		raw := l
		if d != markdown.Text {
			l = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(l, "### "), "  "), "- "), "• ")
			if strings.Count(l, "**")%2 != 0 || strings.Count(l, "`")%2 != 0 {
				t.Errorf("%s: odd markup in %q", what, raw)
			}
			begins := l
			l = strings.ReplaceAll(strings.ReplaceAll(l, "**", ""), "`", "")
			if starts.MatchString(begins) {
				t.Errorf("%s: the line begins with %q", what, raw)
			}
			if found := live.FindString(l); found != "" && (found != "@" || !strings.Contains(raw, "`")) && (d != markdown.DingTalk || found != "@") {
				t.Errorf("%s: %q in %q", what, found, raw)
			}
		}
		if d == markdown.Text && strings.ContainsAny(l, "<>") {
			t.Errorf("%s: %q", what, raw)
		}
	}
	// Two lines, a title each of card and section, a foot, two of commands; no
	// name makes one more.
	if n := len(strings.FieldsFunc(doc.Text, func(r rune) bool { return r == '\n' })); n > 7 {
		t.Errorf("%s: %d lines: %q", what, n, doc.Text)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	card := bot.Card{Title: "同步 7K3MQ2", Foot: "7K3MQ2", Sections: []bot.Section{{Title: "一"}, {Title: "二"}}}
	for i := range 50 {
		for s := range card.Sections {
			card.Sections[s].Lines = append(card.Sections[s].Lines, bot.Line{{Text: fmt.Sprintf("第 %d 人", i)}})
		}
	}
	whole := markdown.Render(card, markdown.Options{Dialect: markdown.DingTalk})
	if whole.Left != 0 || strings.Contains(whole.Text, "还有") {
		t.Fatalf("%+v", whole)
	}
	for limit := 1; limit <= len(whole.Text)+7; limit += 7 {
		for _, lang := range []bot.Lang{bot.ZH, bot.EN} {
			doc := markdown.Render(card, markdown.Options{Dialect: markdown.DingTalk, Lang: lang, Limit: limit})
			if len(doc.Text) > limit || !utf8.ValidString(doc.Text) {
				t.Fatalf("%d: %d bytes", limit, len(doc.Text))
			}
			note := map[bot.Lang]string{bot.ZH: "…还有 %d 项", bot.EN: "… and %d more"}[lang]
			if limit < 100 {
				continue
			}
			if said := strings.Contains(doc.Text, fmt.Sprintf(note, doc.Left)); said != (doc.Left > 0) {
				t.Fatalf("%d: %d left, said %v: %s", limit, doc.Left, said, doc.Text)
			}
			if shown := strings.Count(doc.Text, "人"); shown+doc.Left != 100 {
				t.Fatalf("%d: %d shown, %d left", limit, shown, doc.Left)
			}
			if !strings.HasSuffix(doc.Text, "7K3MQ2") || strings.Contains(doc.Text, "**二**\n\n…") {
				t.Fatalf("%d: %s", limit, doc.Text)
			}
		}
	}
}

func TestLead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lead, title, want string }{
		{"", "日报", "日报"},
		{"点名", "日报", "点名 · 日报"},
		{"点名", "点名日报", "点名日报"},
		{"日报", "今天的日报 *", "今天的日报 *"},
		{"*[x]*", "日报 *", "*[x]* · 日报 *"},
		{"点名", "", "点名"},
	} {
		for _, d := range dialects() {
			doc := markdown.Render(bot.Card{Title: tt.title, Foot: "x"}, markdown.Options{Dialect: d, Lead: tt.lead})
			if doc.Title != tt.want || d != markdown.Feishu && !strings.Contains(doc.Text, tt.lead) {
				t.Errorf("%s %q %q: %q, %q", d, tt.lead, tt.title, doc.Title, doc.Text)
			}
		}
	}
}

func TestTypedReadsBack(t *testing.T) {
	t.Parallel()
	card := bot.Card{Title: "x"}
	o := markdown.Options{Dialect: markdown.WeCom, Commands: []bot.Button{{Label: "x", Command: `同步 "hr_to wecom"`}, {Label: "y", Command: "取消 7K3MQ2 <原因> *急*"}}}
	text := markdown.Render(card, o).Text
	quoted := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1)
	if len(quoted) != 2 {
		t.Fatal(text)
	}
	for i, want := range []bot.Command{{Verb: "sync", Flow: "hr_to wecom"}, {Verb: "cancel", Code: "7K3MQ2"}} {
		got, err := bot.Parse(quoted[i][1])
		if err != nil || got.Verb != want.Verb || got.Flow != want.Flow || got.Code != want.Code {
			t.Errorf("%q: %+v %v", quoted[i][1], got, err)
		}
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"manager4220": true, "ou_limin": true, "a.b-c_d@x": true, "": false, "@all": false, "a b": false, "a>": false,
		"a\n": false, strings.Repeat("x", 65): false, "李敏": false, "-x": false,
	} {
		if markdown.ID(id) != want {
			t.Errorf("%q", id)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"", 4, "[]"}, {"abc", 4, "[abc]"}, {"ab\ncd", 4, "[ab cd]"}, {"abcdef", 4, "[abcd ef]"}, {"中文字", 4, "[中 文 字]"}, {"a\n\n\nb", 2, "[a b]"},
	} {
		if got := fmt.Sprint(markdown.Split(tt.text, tt.n)); got != tt.want {
			t.Errorf("%q: %s", tt.text, got)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, name := range hostile() {
		f.Add(name, 300, true)
	}
	f.Fuzz(func(t *testing.T, name string, limit int, bullet bool) {
		card := bot.Card{Title: name, Foot: name, Sections: []bot.Section{{
			Title: name, Bullet: bullet, Lines: []bot.Line{{{Text: name}}, {{Text: name, Bold: true}, {Text: name, Code: true}}},
		}}}
		for _, d := range dialects() {
			doc := markdown.Render(card, markdown.Options{Dialect: d, Limit: limit % 5000})
			if l := limit % 5000; l > 0 && len(doc.Text) > l {
				t.Errorf("%s: %d bytes of %d", d, len(doc.Text), l)
			}
			check(t, string(d), d, markdown.Render(card, markdown.Options{Dialect: d, Commands: []bot.Button{{Label: name, Command: name}}}))
			for _, piece := range markdown.Split(doc.Text, 64) {
				if len(piece) > 64 || !utf8.ValidString(piece) {
					t.Errorf("%q", piece)
				}
			}
		}
	})
}
