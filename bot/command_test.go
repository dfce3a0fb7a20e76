package bot

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// theCode is a code with a right check character.
const theCode run.Code = "7K3MQ2"

func typed(deletes, disables, total int) run.Restated {
	return run.Restated{Delete: deletes, Disable: disables, Total: total}
}

func TestParse(t *testing.T) {
	t.Parallel()
	none := run.NotRestated()
	for in, want := range map[string]Command{
		"":                          {Verb: Help, Lang: ZH},
		" \u200b\n ":                {Verb: Help, Lang: ZH},
		"帮助":                        {Verb: Help, Lang: ZH},
		"/help":                     {Verb: Help, Lang: EN},
		"!HELP":                     {Verb: Help, Lang: EN},
		"＃ｈｅｌｐ":                     {Verb: Help, Lang: EN},
		"help sync":                 {Verb: Help, Lang: EN, Topic: Sync},
		"帮助同步":                      {Verb: Help, Lang: ZH, Topic: Sync},
		"\u00a0预演\u3000HR到飞书 ":      {Verb: Plan, Lang: ZH, Flow: "HR到飞书"},
		"预演HR到飞书":                   {Verb: Plan, Lang: ZH, Flow: "HR到飞书"},
		"试算 hr":                     {Verb: Plan, Lang: ZH, Flow: "hr"},
		"  同步 hr-to-wecom\n\n":      {Verb: Sync, Lang: ZH, Flow: "hr-to-wecom"},
		"sync “hr to wecom”":        {Verb: Sync, Lang: EN, Flow: "hr to wecom"},
		"\u2066状态\u2069":            {Verb: Status, Lang: ZH},
		"status #7k3mq2":            {Verb: Status, Lang: EN, Code: theCode},
		"status 7K3MQ3":             {Verb: Status, Lang: EN, Flow: "7K3MQ3"},
		"详情 7k3mq2 #3":              {Verb: Show, Lang: ZH, Code: theCode, Item: 3},
		"详情 7K3MQ2 删除 ——页=2":        {Verb: Show, Lang: ZH, Code: theCode, Kind: "delete", Page: 2},
		"show 7K3MQ2 notes —page 3": {Verb: Show, Lang: EN, Code: theCode, Kind: "notes", Page: 3},
		"批准 7K3MQ2 删除=3":            {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(3, -1, -1)},
		"批准 7K3MQ2 删除：３ 停用＝2人":              {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(3, 2, -1)},
		"批准 7K3MQ2 删除=3，停用=2":               {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(3, 2, -1)},
		"批准7K3MQ2 总数=40项":                   {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(-1, -1, 40)},
		"approve delete=3 7K3MQ2":           {Verb: Approve, Lang: EN, Code: theCode, Typed: typed(3, -1, -1)},
		"驳回 7K3MQ2 原因：离职日期不对 删除=3 也不对":      {Verb: Reject, Lang: ZH, Code: theCode, Reason: "原因:离职日期不对 删除=3 也不对"},
		"reject 7K3MQ2 \"he's back\" -- ok": {Verb: Reject, Lang: EN, Code: theCode, Reason: "he's back -- ok"},
		"取消 #7K3MQ2":                        {Verb: Cancel, Lang: ZH, Code: theCode},
		"history --days=30":                 {Verb: History, Lang: EN, Days: 30},
		"历史 hr --天 3":                       {Verb: History, Lang: ZH, Flow: "hr", Days: 3},
		"日报现在":                              {Verb: Digest, Lang: ZH},
		"digest now hr":                     {Verb: Digest, Lang: EN, Flow: "hr"},
		"我是谁":                               {Verb: WhoAmI, Lang: ZH},

		"批准 7K3MQ2 删除=3 仅=研发部、#3-5":                          {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(3, -1, -1), Only: "研发部,#3-5"},
		"批准 7K3MQ2 仅=研发部，销售部，删除=1 保留：停用":                     {Verb: Approve, Lang: ZH, Code: theCode, Typed: typed(1, -1, -1), Only: "研发部,销售部", Hold: "停用"},
		`approve 7K3MQ2 delete=1 --only="R&D, East" hold=#7`: {Verb: Approve, Lang: EN, Code: theCode, Typed: typed(1, -1, -1), Only: "R&D,East", Hold: "#7"},
		"详情 7K3MQ2 文件":                                       {Verb: Show, Lang: ZH, Code: theCode, File: true},
		"show 7K3MQ2 --file delete":                          {Verb: Show, Lang: EN, Code: theCode, File: true, Kind: "delete"},
		"暂停全部":                                               {Verb: Pause, Lang: ZH, Flow: "*"},
		"暂停 hr 到：18:00 人事在改表":                                {Verb: Pause, Lang: ZH, Flow: "hr", Until: "18:00", Reason: "人事在改表"},
		"暂停 hr 人事在改表 --到=周五 9:00":                            {Verb: Pause, Lang: ZH, Flow: "hr", Until: "周五 9:00", Reason: "人事在改表"},
		"pause all --until fri 18:00 dates: wrong":           {Verb: Pause, Lang: EN, Flow: "*", Until: "fri 18:00", Reason: "dates: wrong"},
		"取消暂停hr":                                             {Verb: Resume, Lang: ZH, Flow: "hr"},
		"恢复 所有":                                              {Verb: Resume, Lang: ZH, Flow: "*"},
		"撤销7K3MQ2 #3":                                        {Verb: Undo, Lang: ZH, Code: theCode, Item: 3},
		"定时":                                                 {Verb: Schedule, Lang: ZH},
		"定时 hr":                                              {Verb: Schedule, Lang: ZH, Flow: "hr"},
		"定时hr 每天02：30":                                       {Verb: Schedule, Lang: ZH, Flow: "hr", When: "30 2 * * *"},
		"定时 hr 工作日 9点半 确认":                                   {Verb: Schedule, Lang: ZH, Flow: "hr", When: "30 9 * * 1-5", Yes: true},
		"定时 hr 每周日 08:00":                                    {Verb: Schedule, Lang: ZH, Flow: "hr", When: "0 8 * * 0"},
		"schedule hr weekly Mon 08:00 --yes":                 {Verb: Schedule, Lang: EN, Flow: "hr", When: "0 8 * * 1", Yes: true},
		`schedule hr cron "*/30  * * * MON-FRI"`:             {Verb: Schedule, Lang: EN, Flow: "hr", When: "*/30 * * * mon-fri"},
		"schedule hr cron 30 2 * * *":                        {Verb: Schedule, Lang: EN, Flow: "hr", When: "30 2 * * *"},
		"schedule off off":                                   {Verb: Schedule, Lang: EN, Flow: "off", When: "off"},
		"日报每天09:10":                                          {Verb: Digest, Lang: ZH, When: "10 9 * * *"},
		"日报 关闭":                                              {Verb: Digest, Lang: ZH, When: "off"},
		"test hr Li Min --op=create":                         {Verb: Test, Lang: EN, Flow: "hr", Person: "Li Min", Op: "create"},
		"试跑 hr 00120412 操作=新建":                               {Verb: Test, Lang: ZH, Flow: "hr", Person: "00120412", Op: "create"},
		"查人 王磊 流程：hr":                                        {Verb: Whois, Lang: ZH, Person: "王磊", Flow: "hr"},
		"plan hr --fresh":                                    {Verb: Plan, Lang: EN, Flow: "hr"},
		"预演 hr --刷新":                                         {Verb: Plan, Lang: ZH, Flow: "hr"},
		"doctor --deep":                                      {Verb: Examine, Lang: EN, Deep: true},
		"体检 wecom --深":                                       {Verb: Examine, Lang: ZH, Flow: "wecom", Deep: true},
		"委托 @周凯 到=周五":                                        {Verb: Delegate, Lang: ZH, Person: "@周凯", Until: "周五"},
		"语言English":                                          {Verb: Speak, Lang: ZH, Tongue: EN},
		"lang zh --room":                                     {Verb: Speak, Lang: EN, Tongue: ZH, Room: true},
		"语言 中文 本群":                                           {Verb: Speak, Lang: ZH, Tongue: ZH, Room: true},
		"静音":                                                 {Verb: Mute, Lang: ZH, Span: -1},
		"静音两小时":                                              {Verb: Mute, Lang: ZH, Span: 2 * time.Hour},
		"mute 1h 30m":                                        {Verb: Mute, Lang: EN, Span: 90 * time.Minute},
		"mute off":                                           {Verb: Mute, Lang: EN},
		"history --by=00120412":                              {Verb: History, Lang: EN, Person: "00120412"},
		"预演 hr --部门=研发、测试部 类型=人":                             {Verb: Plan, Lang: ZH, Flow: "hr", Dept: "研发、测试部", Part: directory.User},
	} {
		if want.Page == 0 {
			want.Page = 1
		}
		if want.Typed == (run.Restated{}) {
			want.Typed = none
		}
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for in, kind := range map[string]fault.Kind{
		"同意": fault.Denied, "OK!": fault.Denied, "１": fault.Denied, "👍": fault.Denied, "👍🏽": fault.Denied, "同意 7K3MQ2": fault.Denied,
		"approve all": fault.Denied, "全部批准": fault.Denied, "强制": fault.Denied, "force hr": fault.Denied, "删除 王磊": fault.Denied,
		"plna hr": fault.NotFound, "7K3MQ2": fault.NotFound, "help nothing": fault.NotFound, "@张三 同步 hr": fault.NotFound,
		"同步": fault.Invalid, "sync a b": fault.Invalid, "sync hr --force": fault.Invalid, "sync hr\nsync hr2": fault.Invalid,
		"批准": fault.Invalid, "批准 7K3MQ3": fault.Invalid, "批准 7K3MQ2 删除=三": fault.Invalid, "批准 7K3MQ2 删除=-1": fault.Invalid,
		"批准 7K3MQ2 删除=3 删除=4": fault.Invalid, "批准 7K3MQ2 删除 3": fault.Invalid, "批准 7K3MQ2 删除=3,停用": fault.Invalid,
		"批准 7K3MQ2 页=2": fault.Invalid, "批准 7K3MQ2 强制": fault.Invalid, "取消暂停": fault.Invalid, "取消 7K3MQ2 --now": fault.Invalid,
		"digest": fault.Invalid, "日报 明天": fault.Invalid, "show 7K3MQ2 everything": fault.Invalid, "sync “hr": fault.Invalid,
		"同步中心": fault.NotFound, "同步中心 同步 hr": fault.NotFound, "定时 每天 02:30": fault.Invalid, "定时 关闭": fault.Invalid, "定时 hr 每天": fault.Invalid, "定时 hr 每天 24:00": fault.Invalid,
		"定时 hr 每月 02:30": fault.Invalid, "定时 hr --确认": fault.Invalid, "schedule hr cron 30 2 * *": fault.Invalid, `schedule hr cron "@daily"`: fault.Invalid,
		`schedule hr cron "TZ=UTC 30 2 * * *"`: fault.Invalid, "定时 hr 每天 02:30 --确认=1": fault.Invalid, "定时 hr 每天 02:30 09:00": fault.Invalid, "schedule hr daily 02:30 yes": fault.Invalid,
		`日报 cron "*/5 * * * *"`: fault.Invalid, "日报 现在 每天 09:10": fault.Invalid, "批准 7K3MQ2 仅=": fault.Invalid, "批准 7K3MQ2 仅=、": fault.Invalid, "批准 7K3MQ2 仅=a 仅=b": fault.Invalid,
		"暂停": fault.Invalid, "暂停 hr --until": fault.Invalid, "暂停 hr --now 原因": fault.Invalid, "暂停 hr 原因 --now": fault.Invalid, "恢复 hr 快": fault.Invalid, "撤销 7K3MQ2 3 4": fault.Invalid,
		"委托": fault.Invalid, "委托 @": fault.Invalid, "委托 @张三 李四": fault.Invalid, "委托 张三 @李四": fault.Invalid, "delegate @x --until --flow=hr": fault.Invalid, "试跑 hr": fault.Invalid,
		"试跑 hr 张三 --操作=调岗": fault.Invalid, "预演 hr --类型=群": fault.Invalid, "语言 法语": fault.Invalid, "静音 一会儿": fault.Invalid, "静音 31天": fault.Invalid, "mute 0h": fault.Invalid,
		"history --by=": fault.Invalid, "history --by=@": fault.Invalid, "待办 hr": fault.Invalid, "详情 7K3MQ2 --文件=是": fault.Invalid,
		strings.Repeat("同", maxRunes+1): fault.Invalid, "驳回 7K3MQ2" + strings.Repeat(" x", maxTokens): fault.Invalid,
	} {
		cmd, err := Parse(in)
		if fault.KindOf(err) != kind {
			t.Errorf("Parse(%q) = %+v, %v; want a fault of kind %q", in, cmd, err, kind)
		}
		if err != nil && strings.Contains(fault.Say(err), "%!") {
			t.Errorf("Parse(%q) says %q", in, fault.Say(err))
		}
	}
}

// example is an argument that the command may have.
func example(s spec) string {
	return map[argument]string{
		argFlow: "hr", argCode: string(theCode), argNow: "now", argWhen: "hr 每天 02:30", argPerson: "00120412", argFlowPerson: "hr li.min@example.com",
		argSpan: "2h", argTongue: "en", argAll: "all", argMaybe: "hr", argCodeAny: "hr", argVerb: "sync",
	}[s.arg]
}

// Every word of every command works with and without a leading mark, in full
// width, and in Chinese without a blank before its argument.
func TestG1_EveryVerbInEveryForm(t *testing.T) {
	t.Parallel()
	wide := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '\u3000'
			case r > ' ' && r <= '~':
				return r + 0xfee0
			}
			return r
		}, s)
	}
	for _, s := range specs() {
		for _, word := range s.words() {
			argument := example(s)
			want, err := Parse(strings.TrimSpace(word + " " + argument))
			if err != nil || want.Verb != s.verb {
				t.Fatalf("%q gives %+v, %v", word, want, err)
			}
			forms := []string{"/" + word + " " + argument, "! " + strings.ToUpper(word) + "  " + argument, wide(word + " " + argument), "\u200f" + word + "\u2009" + argument + "\ufeff"}
			if want.Lang == ZH && argument != "" {
				forms = append(forms, word+argument)
			}
			for _, form := range forms {
				if got, err := Parse(form); err != nil || got != want {
					t.Errorf("Parse(%q) = %+v, %v; want %+v", form, got, err, want)
				}
			}
		}
	}
}

// No word means two things, and no state-changing verb is the beginning of
// another word.
func TestG5_WordsDoNotCollide(t *testing.T) {
	t.Parallel()
	seen := map[string]Verb{}
	for _, s := range specs() {
		if len(s.zh) == 0 || len(s.en) == 0 || s.aboutEN == "" || s.aboutZH == "" || s.usageEN == "" || s.usageZH == "" {
			t.Errorf("%s lacks a text", s.verb)
		}
		for _, w := range s.words() {
			if other, twice := seen[w]; twice {
				t.Errorf("%q means %s and %s", w, other, s.verb)
			}
			seen[w] = s.verb
			if w != fold(w) {
				t.Errorf("%q is not in the form in which words are compared", w)
			}
		}
	}
	// A word that begins another is a trap for people who write without blanks; the
	// longest wins where that is wanted.
	traps := map[string]string{"取消": "取消暂停"}
	for short := range seen {
		for long := range seen {
			if short != long && strings.HasPrefix(long, short) && traps[short] != long {
				t.Errorf("%q begins with %q", long, short)
			}
		}
	}
	if cmd, err := Parse("取消暂停7K3MQ2"); err != nil || cmd.Verb != Resume {
		t.Errorf("the longest word does not win: %+v, %v", cmd, err)
	}
	for _, w := range reserved() {
		if s, _, is := prefixSpec(w); is {
			t.Errorf("the reserved word %q begins with the word of %s", w, s.verb)
		}
		if cmd, err := Parse(w); err == nil {
			t.Errorf("the reserved word %q is read as %+v", w, cmd)
		}
		if v, twice := seen[w]; twice {
			t.Errorf("the reserved word %q means %s", w, v)
		}
		if w != fold(w) {
			t.Errorf("%q is not in the form in which words are compared", w)
		}
	}
}

// Near misses never become commands.
func TestG5_NothingRunsFromANearMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var changing []string
		for _, s := range specs() {
			if s.changes {
				changing = append(changing, s.words()...)
			}
		}
		word := []rune(rapid.SampledFrom(changing).Draw(t, "word"))
		at := rapid.IntRange(0, len(word)-1).Draw(t, "at")
		slip := rapid.SampledFrom([]string{"x", "Z", "好", "q"}).Draw(t, "slip")
		near := string(word[:at]) + slip + string(word[at+1:])
		cmd, err := Parse(near + " hr")
		if err == nil && specOf(cmd.Verb).changes {
			t.Fatalf("%q runs %s", near, cmd.Verb)
		}
	})
}

// commands makes commands with every field that their verb takes.
func commands() *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		s := rapid.SampledFrom(specs()).Draw(t, "spec")
		c := Command{Verb: s.verb, Lang: rapid.SampledFrom([]Lang{ZH, EN}).Draw(t, "lang"), Page: 1, Typed: run.NotRestated()}
		drawArgument(t, s, &c)
		for _, name := range s.options {
			if rapid.Bool().Draw(t, name) {
				drawOption(t, name, &c)
			}
		}
		switch s.verb {
		case Show:
			c.Kind = rapid.SampledFrom([]string{"", "create", "update", "disable", "delete", "adopt", "notes"}).Draw(t, "part")
			c.Item = rapid.IntRange(0, maxCount).Draw(t, "item")
		case Undo:
			c.Item = rapid.IntRange(0, maxCount).Draw(t, "item")
		case Schedule:
			c.Yes = c.Yes && c.When != ""
		}
		if s.rest {
			// Curly marks become plain ones, and a text with both kinds loses one: see quoted.
			c.Reason = strings.TrimSpace(strings.ReplaceAll(clean(rapid.StringMatching(`[^"=:\pC\pZ—–―-][^"=:\pC\pZ]{0,12}( [^"=:\pC\pZ]{1,12}){0,3}`).Draw(t, "reason")), `"`, ""))
			c.Reason = strings.NewReplacer("=", "", ":", "").Replace(c.Reason)
		}
		return c
	})
}

// words are names of flows, departments and people.
func words() *rapid.Generator[string] {
	return rapid.StringMatching(`[a-z\p{Han}][a-z0-9\p{Han}_ '-]{0,10}[a-z\p{Han}]`)
}

// times are what a flow or a digest may be set to.
func times(cron bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		at := strconv.Itoa(rapid.IntRange(0, 59).Draw(t, "minute")) + " " + strconv.Itoa(rapid.IntRange(0, 23).Draw(t, "hour"))
		all := []string{off, at + " * * *", at + " * * 1-5", at + " * * " + strconv.Itoa(rapid.IntRange(0, 6).Draw(t, "weekday"))}
		if cron {
			all = append(all, "*/5 * * * *", "30 2,14 1 * *", at+" * jan-mar mon", "05 "+strconv.Itoa(rapid.IntRange(0, 23).Draw(t, "hour"))+" * * *", at+" * * 7")
		}
		return rapid.SampledFrom(all).Draw(t, "when")
	})
}

func drawArgument(t *rapid.T, s spec, c *Command) {
	person := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "@"}).Draw(t, "at") + words().Draw(t, "name")
	})
	switch s.arg {
	case argVerb:
		if rapid.Bool().Draw(t, "topic") {
			c.Topic = rapid.SampledFrom(specs()).Draw(t, "of").verb
		}
	case argFlow:
		c.Flow = words().Draw(t, "flow")
	case argAll:
		c.Flow = rapid.OneOf(rapid.Just(everything), words()).Draw(t, "flow")
	case argMaybe:
		c.Flow = rapid.OneOf(rapid.Just(""), words()).Draw(t, "flow")
	case argNow:
		if c.Flow = rapid.OneOf(rapid.Just(""), words()).Draw(t, "flow"); c.Flow == "" && rapid.Bool().Draw(t, "set") {
			c.When = times(false).Draw(t, "when")
		}
	case argWhen:
		if c.Flow = rapid.OneOf(rapid.Just(""), words()).Draw(t, "flow"); c.Flow != "" && rapid.Bool().Draw(t, "set") {
			c.When = times(true).Draw(t, "when")
		}
	case argCode:
		c.Code = theCode
	case argCodeAny:
		if c.Code = theCode; rapid.Bool().Draw(t, "flow or nothing") {
			c.Code, c.Flow = "", rapid.OneOf(rapid.Just(""), words()).Draw(t, "flow")
		}
	case argPerson:
		c.Person = person.Draw(t, "person")
	case argFlowPerson:
		c.Flow, c.Person = words().Draw(t, "flow"), person.Draw(t, "person")
	case argSpan:
		c.Span = rapid.OneOf(rapid.SampledFrom([]time.Duration{-1, 0, 3 * day, 5 * time.Hour}), rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(1, int(longestSpan/time.Minute)).Draw(t, "minutes")) * time.Minute
		})).Draw(t, "span")
	case argTongue:
		c.Tongue = rapid.SampledFrom([]Lang{"", ZH, EN}).Draw(t, "tongue")
	case argNone:
	}
}

func drawOption(t *rapid.T, name string, c *Command) {
	number := func() int { return rapid.IntRange(0, maxCount).Draw(t, "number") }
	list := func() string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(words(), rapid.SampledFrom([]string{"#3", "#3-5", "停用", "delete", "研发部"})), 1, 4).Draw(t, "list"), ",")
	}
	switch name {
	case "delete":
		c.Typed.Delete = number()
	case "disable":
		c.Typed.Disable = number()
	case "total":
		c.Typed.Total = number()
	case "page":
		c.Page = max(1, number())
	case "days":
		c.Days = number()
	case "only":
		c.Only = list()
	case "hold":
		c.Hold = list()
	case "until":
		c.Until = rapid.SampledFrom([]string{"18:00", "周五", "fri", "2026-12-01", "明天 09:00", "2小时"}).Draw(t, "until")
	case "by":
		c.Person = words().Draw(t, "by")
	case "flow":
		c.Flow = words().Draw(t, "flow")
	case "dept":
		c.Dept = words().Draw(t, "dept")
	case "op":
		c.Op = rapid.SampledFrom([]string{"create", "update", "disable", "delete"}).Draw(t, "op")
	case "kind":
		c.Part = rapid.SampledFrom([]directory.Kind{directory.User, directory.Department}).Draw(t, "kind")
	case "file":
		c.File = true
	case "deep":
		c.Deep = true
	case "fresh": // a plan is afresh with it and without: it is read, and not written
	case "yes":
		c.Yes = true
	case "room":
		c.Room = true
	default:
		t.Fatalf("the option %s is not drawn", name)
	}
}

func TestG2_WhatIsWrittenIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := commands().Draw(t, "command")
		got, err := Parse(c.String())
		if err != nil || got != c {
			t.Fatalf("%q is read as %+v, %v; want %+v", c.String(), got, err, c)
		}
	})
}

// A button and what is filled in beside it are the typed command.
func TestPressIsTypedText(t *testing.T) {
	t.Parallel()
	got, err := parsePress(Press{Command: "批准 7K3MQ2", Form: map[string]string{"删除": " ３ ", "停用": "2", "总数": ""}})
	want, _ := Parse("批准 7K3MQ2 删除=3 停用=2")
	if err != nil || got != want {
		t.Errorf("a press gives %+v, %v; want %+v", got, err, want)
	}
	for _, form := range []map[string]string{
		{"删除": "3 停用=2"}, {"删除": "3\n停用=2"}, {"删除": "三"}, {"强制": "1"}, {"页": "2"}, {"删除": "3,停用=2,停用=3"},
	} {
		if got, err := parsePress(Press{Command: "批准 7K3MQ2", Form: form}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("the form %v gives %+v, %v", form, got, err)
		}
	}
	if _, err := parsePress(Press{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an empty button gives %v", err)
	}
}

// G2: no line makes the parser stumble, and what it understands is written so that
// it understands the same again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"批准 7K3MQ2 删除=3", "sync “hr", "——页", "show 7K3MQ2 #3 --page", "驳回 7K3MQ2 'a\"b'", "\xff\xfe", "预演HR", "1", "取消暂停",
		"定时 hr 每周一 08:00 --确认", `schedule hr cron "*/5 * * * *"`, "日报工作日09:10", "批准 7K3MQ2 仅=研发部、@张三,#3-5 保留=停用 删除=3", "暂停全部 到:周五 18:00 数据不对", "静音2小时",
		"委托 @张三 --到=明天", "test hr \"Li Min\" --op=create", "whois li.min@example.com --flow hr", "语言 中文 本群", "撤销 7K3MQ2 #3", "plan hr --dept='R&D, East' --kind=user",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err != nil {
			if _, is := errors.AsType[*fault.Error](err); !is {
				t.Fatalf("Parse(%q): %v is no fault", line, err)
			}
			return
		}
		if c.Verb == "" || c.Page < 1 || c.Lang != ZH && c.Lang != EN {
			t.Fatalf("Parse(%q) = %+v", line, c)
		}
		if strings.Contains(c.Reason+c.Flow+c.Person+c.Dept+c.Only+c.Hold+c.Until, `"`) || len([]rune(c.String())) > maxRunes {
			return // such a text is written with other marks, see quoted
		}
		if back, err := Parse(c.String()); err != nil || back != c {
			t.Fatalf("Parse(%q) = %+v, written %q, read back %+v, %v", line, c, c.String(), back, err)
		}
	})
}

// How commands are written, for people to copy, in both languages.
func TestG2_CommandsAreWrittenWell(t *testing.T) {
	t.Parallel()
	for zh, en := range map[string]string{
		"帮助 同步": "help sync", "预演 hr --部门=\"研发 一部\" --类型=人": "plan hr --dept=\"研发 一部\" --kind=user", "预演 hr --类型=部门": "plan hr --kind=dept",
		"详情 7K3MQ2 #3 --页=2": "show 7K3MQ2 #3 --page=2", "详情 7K3MQ2 新增 --文件": "show 7K3MQ2 create --file", "详情 7K3MQ2 变更": "show 7K3MQ2 update",
		"详情 7K3MQ2 停用": "show 7K3MQ2 disable", "详情 7K3MQ2 删除": "show 7K3MQ2 delete", "详情 7K3MQ2 认领": "show 7K3MQ2 adopt", "详情 7K3MQ2 保留": "show 7K3MQ2 notes",
		"批准 7K3MQ2 删除=3 停用=2 仅=研发部、#3-5 保留=\"Li Min\"": "approve 7K3MQ2 delete=3 disable=2 only=研发部,#3-5 hold=\"Li Min\"",
		"批准 7K3MQ2 总数=40":         "approve 7K3MQ2 total=40",
		"驳回 7K3MQ2 \"he's back\"": "reject 7K3MQ2 \"he's back\"", "取消 7K3MQ2": "cancel 7K3MQ2",
		"暂停 hr --到=18:00 维护": "pause hr --until=18:00 维护", "暂停 全部 --到=\"周五 9:00\"": "pause all --until=\"周五 9:00\"", "恢复 全部": "resume all", "恢复 hr": "resume hr",
		"历史 hr --谁=\"Li Min\" --天=30": "history hr --by=\"Li Min\" --days=30", "撤销 7K3MQ2 #3": "undo 7K3MQ2 #3",
		"定时 hr 每天 02:30 --确认": "schedule hr daily 02:30 --yes", "定时 hr 工作日 09:00": "schedule hr weekdays 09:00", "定时 hr 每周三 08:00": "schedule hr weekly wed 08:00",
		"定时 hr cron \"*/30 * * * *\"": "schedule hr cron \"*/30 * * * *\"", "定时 hr 关闭": "schedule hr off", "定时": "schedule",
		"日报 现在 hr": "digest now hr", "日报 每天 09:10": "digest daily 09:10", "日报 关闭": "digest off",
		"试跑 hr @周凯 --操作=新建": "test hr @周凯 --op=create", "试跑 hr @周凯 --操作=更新": "test hr @周凯 --op=update", "试跑 hr @周凯 --操作=停用": "test hr @周凯 --op=disable", "试跑 hr @周凯 --操作=删除": "test hr @周凯 --op=delete",
		"查人 \"Li Min\" --流程=hr": "whois \"Li Min\" --flow=hr", "体检 hr --深": "doctor hr --deep", "委托 @周凯 --流程=hr --到=周五": "delegate @周凯 --flow=hr --until=周五",
		"语言 中文 --本群": "lang zh --room", "语言 English": "lang en", "静音 2小时": "mute 2h", "静音 90分钟": "mute 90m", "静音 3天": "mute 3d", "静音 关闭": "mute off", "静音": "mute",
		`查人 'a"b'`: `whois 'a"b'`, `委托 x '--流程=a"b'`: `delegate x '--flow=a"b'`,
	} {
		for i, line := range []string{zh, en} {
			cmd, err := Parse(line)
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			for _, want := range []struct {
				l    Lang
				line string
			}{{ZH, zh}, {EN, en}} {
				if got := cmd.In(want.l).String(); got != want.line {
					t.Errorf("%d: %q is written %q, want %q", i, line, got, want.line)
				}
			}
		}
	}
	if got := (Command{}).String(); got != "" {
		t.Errorf("nothing is written %q", got)
	}
}
