package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// Script plays lines on the stage, as a person would, and checks what is seen.
//
//	room feishu|dingtalk          where the next lines are said; feishu/李敏 is that person's
//	                              conversation with the bot alone, and makes the person speak
//	as 李敏                        who says them
//	say TEXT                      say it (mention the bot by @点名)
//	again                         the platform delivers the last message once more
//	recall                        take back the last message of the Feishu room
//	press LABEL [name=value …]    press a button of the newest card that has it
//	expect TEXT                   wait for TEXT in the room, behind what was last said, pressed or
//	                              done there; {code} stands for any run code, which the other
//	                              lines then mean by {code}
//	keep                          {kept} is from now on what {code} is now, and an expected {code}
//	                              is another one
//	never TEXT                    TEXT was not seen in the room so far, nor in what was edited
//	count N TEXT                  exactly N messages of the room hold TEXT
//	roster drop|restore NO …      take people out of the roster, or put them back
//	roster set NO COLUMN VALUE    change a cell, or add somebody
//	wecom has|lacks|disabled NO   look into the target
//	effects N                     the target has seen exactly N writes
//	tree                          show the target
//	do NAME [ARG …]               whatever the caller offers
//
// A line that begins with # is skipped.
type Script struct {
	Chat     *Chat
	Patience time.Duration // how long an expectation waits; 0 = 3 min
	// Do carries out "do" lines; nil: there are none.
	Do func(ctx context.Context, name string, args []string) error

	room Room
	who  string
	code string
	kept string
	seen map[Room]int // index of the first post that no expectation has passed
}

// Play plays every line and stops at the first that fails.
func (s *Script) Play(ctx context.Context, r io.Reader) error {
	if s.room == "" {
		s.room, s.who, s.seen = FeishuRoom, s.Chat.s.cast[0].name, map[Room]int{}
	}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.line(ctx, line); err != nil {
			return fmt.Errorf("line %d: %s: %w", n, line, err)
		}
	}
	return lines.Err()
}

func (s *Script) line(ctx context.Context, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if s.kept != "" {
		rest = strings.ReplaceAll(rest, "{kept}", s.kept)
	}
	if verb != "expect" && s.code != "" {
		rest = strings.ReplaceAll(rest, "{code}", s.code)
	}
	if slices.Contains([]string{"say", "press", "do"}, verb) {
		posts, _ := s.Chat.From(0)
		s.seen[s.room] = len(posts)
	}
	switch verb {
	case "room":
		return s.enter(rest)
	case "as", "keep":
		return s.note(verb, rest)
	case "say":
		return s.Chat.Say(ctx, s.room, s.who, rest)
	case "again":
		return s.Chat.Again(ctx, s.room)
	case "recall":
		return s.Chat.Recall(ctx)
	case "press":
		return s.press(ctx, rest)
	case "expect":
		return s.expect(ctx, rest)
	case "never":
		return s.never(rest)
	case "count":
		return s.count(rest)
	default:
		return s.world(ctx, verb, strings.Fields(rest))
	}
}

// note remembers who speaks, or the run that is talked of.
func (s *Script) note(verb, rest string) error {
	if verb == "keep" {
		s.kept = s.code
		return nil
	}
	s.who = rest
	_, err := s.Chat.actor(rest)
	return err
}

// enter goes to a group, or to a person's conversation with the bot alone.
func (s *Script) enter(room string) error {
	s.room = Room(room)
	group, who := s.room.split()
	if who == "" {
		return nil
	}
	a, err := s.Chat.actor(who)
	s.who, s.room = a.name, Direct(group, a.name)
	return err
}

// world handles the lines that are about the world outside the rooms.
func (s *Script) world(ctx context.Context, verb string, args []string) error {
	switch verb {
	case "roster":
		return s.roster(args)
	case "wecom":
		return s.wecom(args)
	case "effects":
		return s.effects(args)
	case "tree":
		s.Chat.add(Post{Room: WeComRoom, Who: "WeCom", Text: s.Chat.s.WeCom.Tree()})
		return nil
	case "do":
		if s.Do == nil || len(args) == 0 {
			return errors.New("nothing to do here")
		}
		return s.Do(ctx, args[0], args[1:])
	default:
		return fmt.Errorf("no such line; %s", "see rollcall demo --help")
	}
}

func (s *Script) press(ctx context.Context, rest string) error {
	words := strings.Fields(rest)
	form := map[string]string{}
	var label []string
	for _, w := range words {
		if name, value, ok := strings.Cut(w, "="); ok {
			form[name] = value
		} else {
			label = append(label, w)
		}
	}
	return s.Chat.Press(ctx, s.room, s.who, strings.Join(label, " "), form)
}

// anyCode is a run code in a text.
const anyCode = `([0-9A-HJKMNP-TV-Z]{6})`

// expect waits for a post of the bot in the room that holds the text, after the
// last one that was expected.
func (s *Script) expect(ctx context.Context, want string) error {
	pattern, err := regexp.Compile(strings.ReplaceAll(regexp.QuoteMeta(want), regexp.QuoteMeta("{code}"), anyCode))
	if err != nil {
		return err
	}
	patience := s.Patience
	if patience == 0 {
		patience = 3 * time.Minute // a crowded machine is slow
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i := s.seen[s.room]; ; {
		posts, more := s.Chat.From(i)
		for _, p := range posts {
			i++
			if p.Room != s.room || p.Who != "点名" {
				continue
			}
			if code, found := s.find(pattern, p.Text); found {
				if code != "" {
					s.code = code
				}
				// Several lines may be expected of one post, and a card may be
				// edited once more before the next line is looked for.
				s.seen[s.room] = i - 1
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not seen in %v; since the last expectation:\n%s", patience, s.unseen())
		case <-more:
		}
	}
}

// find looks for a pattern, and gives the run code in it, "" when it has none.
func (s *Script) find(pattern *regexp.Regexp, text string) (code string, found bool) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		switch {
		case len(m) == 1:
			return "", true
		case m[1] != s.kept:
			return m[1], true
		}
	}
	return "", false
}

func (s *Script) unseen() string {
	posts, _ := s.Chat.From(s.seen[s.room])
	var b strings.Builder
	for _, p := range posts {
		if p.Room == s.room {
			fmt.Fprintf(&b, "%s> %s\n", p.Who, p.Text)
		}
	}
	return b.String()
}

func (s *Script) never(unwanted string) error {
	posts, _ := s.Chat.From(0)
	for _, p := range posts {
		if p.Room == s.room && p.Who == "点名" && strings.Contains(p.Text, unwanted) {
			return fmt.Errorf("it was seen:\n%s", p.Text)
		}
	}
	return nil
}

func (s *Script) count(rest string) error {
	number, want, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	have := 0
	posts, _ := s.Chat.From(0)
	for _, p := range posts {
		if p.Room == s.room && p.Who == "点名" && !p.Edit && strings.Contains(p.Text, want) {
			have++
		}
	}
	if have != n {
		return fmt.Errorf("%d messages hold %q, want %d", have, want, n)
	}
	return nil
}

func (s *Script) roster(args []string) error {
	r := s.Chat.s.Roster
	switch {
	case len(args) > 1 && args[0] == "drop":
		return each(args[1:], r.Drop)
	case len(args) > 1 && args[0] == "restore":
		return each(args[1:], r.Restore)
	case len(args) == 4 && args[0] == "set":
		return r.Set(args[1], args[2], args[3])
	default:
		return errors.New("roster drop NO …, roster restore NO … or roster set NO COLUMN VALUE")
	}
}

func each(all []string, do func(string) error) error {
	for _, one := range all {
		if err := do(one); err != nil {
			return err
		}
	}
	return nil
}

func (s *Script) wecom(args []string) error {
	if len(args) != 2 {
		return errors.New("wecom has|lacks|disabled NO")
	}
	u, there := s.Chat.s.WeCom.User(args[1])
	switch {
	case args[0] == "has" && there, args[0] == "lacks" && !there:
		return nil
	case args[0] == "disabled" && there && u.Status == wecomsim.StatusDisabled:
		return nil
	default:
		return fmt.Errorf("%s: there %v, %+v", args[1], there, u)
	}
}

func (s *Script) effects(args []string) error {
	if len(args) != 1 {
		return errors.New("effects N")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if have := s.Chat.s.WeCom.Effects(); len(have) != want {
		return fmt.Errorf("the target has seen %d writes, want %d: %v", len(have), want, have)
	}
	return nil
}
