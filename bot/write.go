package bot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// In gives the command in another language.
func (c Command) In(l Lang) Command {
	c.Lang = l
	return c
}

// String writes the command as a line that Parse reads back.
func (c Command) String() string {
	s, l := specOf(c.Verb), c.Lang
	words := []string{s.name(l)}
	add := func(show bool, word string) {
		if show {
			words = append(words, word)
		}
	}
	add(s.arg == argNow && c.When == "", l.say("now", "现在"))
	add(c.Topic != "", specOf(c.Topic).name(l))
	if s.arg != argPerson { // there the flow is an option
		add(c.Flow == everything && s.arg == argAll, l.say("all", "全部"))
		add(c.Flow != "" && (c.Flow != everything || s.arg != argAll), quoted(c.Flow))
	}
	add(c.When != "", l.when(c.When))
	add(c.Code != "", string(c.Code))
	add(c.Item > 0, "#"+strconv.Itoa(c.Item))
	add(c.Kind != "", kindWord(l, c.Kind))
	add(c.Person != "" && c.Verb != History, quoted(c.Person))
	add(s.arg == argSpan && c.Span == 0, l.say(off, "关闭"))
	add(c.Span > 0, l.shortSpan(c.Span))
	add(c.Tongue == ZH, l.say("zh", "中文"))
	add(c.Tongue == EN, l.say("en", "English"))
	words = append(words, c.optionWords(s)...)
	add(c.Reason != "", quoted(c.Reason))
	return strings.Join(words, " ")
}

// optionWords writes the options.
func (c Command) optionWords(s spec) []string {
	var words []string
	l := c.Lang
	number := func(show bool, en, zh string, n int) {
		if show {
			words = append(words, fmt.Sprintf("%s=%d", l.say(en, zh), n))
		}
	}
	value := func(en, zh, v string) {
		if v != "" {
			words = append(words, valued(l.say(en, zh), v))
		}
	}
	flag := func(show bool, en, zh string) {
		if show {
			words = append(words, l.say(en, zh))
		}
	}
	counts := c.Verb == Approve // a Command that was made without NotRestated has zeros
	number(counts && c.Typed.Delete >= 0, "delete", "删除", c.Typed.Delete)
	number(counts && c.Typed.Disable >= 0, "disable", "停用", c.Typed.Disable)
	number(counts && c.Typed.Total >= 0, "total", "总数", c.Typed.Total)
	value("only", "仅", strings.ReplaceAll(c.Only, ",", l.say(",", "、")))
	value("hold", "保留", strings.ReplaceAll(c.Hold, ",", l.say(",", "、")))
	value("--dept", "--部门", c.Dept)
	switch c.Part {
	case directory.User:
		value("--kind", "--类型", l.say("user", "人"))
	case directory.Department:
		value("--kind", "--类型", l.say("dept", "部门"))
	}
	if c.Op != "" {
		value("--op", "--操作", opWord(l, c.Op))
	}
	if c.Verb == History {
		value("--by", "--谁", c.Person)
	}
	if s.arg == argPerson {
		value("--flow", "--流程", c.Flow)
	}
	value("--until", "--到", c.Until)
	number(c.Page > 1, "--page", "--页", c.Page)
	number(c.Days > 0, "--days", "--天", c.Days)
	flag(c.File, "--file", "--文件")
	flag(c.Deep, "--deep", "--深")
	flag(c.Room, "--room", "--本群")
	flag(c.Yes, "--yes", "--确认")
	return words
}

// valued writes an option with its value as one word.
func valued(name, value string) string {
	if strings.Contains(value, `"`) {
		return quoted(name + "=" + value)
	}
	return name + "=" + quoted(value)
}

// quoted keeps a text with blanks or quotation marks one word. A text with both
// kinds of marks loses one kind.
func quoted(s string) string {
	switch {
	case !strings.ContainsAny(s, " \"'—–―"):
		return s
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	case !strings.Contains(s, `'`):
		return `'` + s + `'`
	default:
		return `"` + strings.ReplaceAll(s, `"`, `'`) + `"`
	}
}

// kindWord gives the word for a part of a plan.
func kindWord(l Lang, kind string) string {
	switch kind {
	case "create":
		return l.say("create", "新增")
	case "update":
		return l.say("update", "变更")
	case "disable":
		return l.say("disable", "停用")
	case "delete":
		return l.say("delete", "删除")
	case "adopt":
		return l.say("adopt", "认领")
	default:
		return l.say("notes", "保留")
	}
}

// opWord gives the word for an operation that is tried.
func opWord(l Lang, op string) string {
	switch op {
	case "create":
		return l.say("create", "新建")
	case "update":
		return l.say("update", "更新")
	default:
		return kindWord(l, op)
	}
}
