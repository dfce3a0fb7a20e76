package bot

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// spelled gives the text of a message in which every mention is one word, even of
// a name with blanks. A name is what somebody chose for himself: it must never
// read as an option, a second command or the end of a quotation.
func spelled(m Message) string {
	names := make([]string, 0, len(m.Mentions))
	for _, at := range m.Mentions {
		if at.Name != "" {
			names = append(names, at.Name)
		}
	}
	// The longest first: Li Min must not eat the beginning of Li Ming.
	slices.SortStableFunc(names, func(x, y string) int { return len(y) - len(x) })
	var b strings.Builder
	var q quotation
	for rest := strings.ToValidUTF8(m.Text, ""); rest != ""; {
		i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(rest, "@"+name) })
		if i < 0 {
			r, size := utf8.DecodeRuneInString(rest)
			q.read(r)
			b.WriteString(rest[:size])
			rest = rest[size:]
			continue
		}
		rest = rest[len("@"+names[i]):]
		q.inWord = true
		if q.mark != "" { // it stands in a quotation, which it must not end
			b.WriteString("@" + called(names[i]))
			continue
		}
		b.WriteString(`"@` + called(names[i]) + `"`)
		if r, _ := utf8.DecodeRuneInString(rest); rest != "" && !unicode.IsSpace(r) && !strings.ContainsRune(",，、;；", r) {
			b.WriteByte(' ')
			q.inWord = false
		}
	}
	return b.String()
}

// quotation follows the quotation marks of a line as tokens does.
type quotation struct {
	mark   string // that is open; "" = none
	inWord bool   // a word has begun
}

func (q *quotation) read(r rune) {
	switch s := clean(string(r)); {
	case unicode.IsSpace(r):
		q.inWord = q.mark != "" // in a quotation a blank belongs to the word
	case s == "": // not to be seen
	case q.mark != "":
		if s == q.mark {
			q.mark = ""
		} else {
			q.inWord = true
		}
	case s == `"` || s == "'" && !q.inWord:
		q.mark = s
	default:
		q.inWord = true
	}
}

// called gives a display name as it stands in a command: no marks that mean
// something there.
func called(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune("\n\r\u2028\u2029", r):
			return ' '
		case strings.ContainsRune("\"',、=:", r):
			return -1
		}
		return r
	}, clean(name))
	return strings.Join(strings.Fields(printable(name, nameRunes)), " ")
}

// mentioned gives the ids of the people whom a word of a command mentions:
// several when they bear one name. None: it is no mention, or one that the
// platform tells nothing of.
func mentioned(m Message, word string) []string {
	name, is := strings.CutPrefix(word, "@")
	if !is {
		return nil
	}
	var ids, unnamed []string
	for _, at := range m.Mentions {
		switch {
		case at.ID == "" || slices.Contains(ids, at.ID) || slices.Contains(unnamed, at.ID):
		case at.Name == "" && at.ID != name:
			unnamed = append(unnamed, at.ID)
		case at.ID == name || fold(called(at.Name)) == fold(called(name)):
			ids = append(ids, at.ID)
		}
	}
	if len(ids) == 0 && len(unnamed) == 1 { // DingTalk gives ids without names
		return unnamed
	}
	return ids
}

// withMention reads a message again whose command names nobody: DingTalk cuts
// mentions out of the text and gives their ids beside it.
func withMention(m Message) (Command, bool) {
	if len(m.Mentions) != 1 || m.Mentions[0].Name != "" || strings.Contains(m.Text, "@") {
		return Command{}, false
	}
	word := "@" + called(m.Mentions[0].ID)
	cmd, err := Parse(m.Text + ` "` + word + `"`)
	return cmd, err == nil && cmd.Person == word
}

// personOf finds the configured person whom a word of a command means: by the id
// of a mention, else by employee number, mail address or exact name. Faults:
// NotFound for nobody, Conflict for several; it never guesses.
func (b *Bot) personOf(m Message, word string) (*run.Person, error) {
	ids := mentioned(m, word)
	name := strings.TrimPrefix(word, "@")
	var found []*run.Person
	for i := range b.o.People {
		p := &b.o.People[i]
		is := owns(p, Message{Platform: m.Platform, Sender: ids})
		if len(ids) == 0 {
			is = p.Name == name || p.EmployeeNo != "" && p.EmployeeNo == name || p.Email != "" && strings.EqualFold(p.Email, name)
		}
		if is {
			found = append(found, p)
		}
	}
	shown := label(word)
	if len(found) == 1 && found[0].Name != name && b.contradicts(m, ids, name) {
		return nil, fault.New(fault.Conflict, "“%s” was typed and somebody else was mentioned; mention the person alone / 写的是“%s”，@ 的却是另一个人；请只 @ 要找的人", shown, shown)
	}
	switch {
	case len(found) == 0 && len(ids) > 0:
		return nil, fault.New(fault.NotFound, "%s is not a person of the configuration (%s) / %s 不是配置中的人员（%s）", shown, strings.Join(ids, ", "), shown, strings.Join(ids, "、"))
	case len(found) == 0:
		return nil, fault.New(fault.NotFound, "nobody in the configuration is “%s”; mention the person, or write the exact name, employee number or mail address / 配置中没有“%s”；请 @ 这个人，或写准确的姓名、工号或邮箱", shown, shown)
	case len(found) > 1:
		return nil, fault.New(fault.Conflict, "“%s” may be any of several people; mention the person / “%s”可能是好几个人，请直接 @ 这个人", shown, shown)
	}
	return found[0], nil
}

// contradicts tells whether a name belongs to somebody of the configuration
// while the platform gave an id without a name: the two may be two persons.
func (b *Bot) contradicts(m Message, ids []string, name string) bool {
	unnamed := slices.ContainsFunc(m.Mentions, func(at Mention) bool { return slices.Contains(ids, at.ID) && at.Name == "" })
	return unnamed && slices.ContainsFunc(b.o.People, func(p run.Person) bool { return p.Name == name })
}
