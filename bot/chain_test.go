package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The admins' digest ends with the end of the audit's chain, on a busy day and on one
// with nothing to report.
func TestTheAdminsDigestHasTheAuditsHead(t *testing.T) {
	t.Parallel()
	for _, l := range []Lang{ZH, EN} {
		for name, busy := range map[string]bool{"digest-audit": true, "digest-audit-quiet": false} {
			w := newWorld(t)
			w.b.o.AdminRoom = "board"
			w.b.o.AuditHead = func(context.Context) (int64, string, error) { return 48213, "9f86d081884c7d65", nil }
			if busy {
				week(w)
			}
			card, err := w.b.digest(t.Context(), edition{lang: l, flows: []*Flow{w.b.flow("hr-to-wecom")}, since: w.clock.Add(-day), audit: true})
			if err != nil {
				t.Fatal(err)
			}
			card = tidy(card)
			check(t, name, l, card)
			golden(t, "testdata/cards/"+name+"."+string(l)+".txt", cardText(card))
			if got := cardText(card); strings.Count(got, "rollcall audit verify --head 48213:9f86d081884c7d65") != 1 {
				t.Errorf("%s: it does not say how to check:\n%s", l, got)
			}
		}
	}
}

// It is told in the admins' room alone, by the digest that comes by itself and by the
// one that is asked for, and never keeps a digest from coming.
func TestTheAuditsHeadIsForTheAdmins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		room string
		seq  int64
		err  error
		want string
	}{
		"the admins' room": {"board", 7, nil, "--head 7:9f86d081884c7d65"},
		"another room":     {"ops", 7, nil, ""},
		"an empty audit":   {"board", 0, nil, ""},
		"unreadable":       {"board", 7, errors.New("planted"), "cannot be read now"},
	} {
		w := newWorld(t)
		w.b.o.AdminRoom = "board"
		w.b.o.AuditHead = func(context.Context) (int64, string, error) { return c.seq, "9f86d081884c7d65", c.err }
		w.b.o.Digests = []DigestPlan{{Rooms: []string{c.room}, Hour: morning.Hour(), Minute: morning.Minute(), Zone: shanghai}}
		for how, got := range map[string]string{"by itself": texts(w.posts()), "asked for": texts(w.say("Boss", c.room, "digest now"))} {
			if !strings.Contains(got, "Digest of") && !strings.Contains(got, "日报") {
				t.Errorf("%s, %s: no digest\n%s", name, how, got)
			}
			if c.want == "" && (strings.Contains(got, "9f86d081") || strings.Contains(got, "Audit log")) || !strings.Contains(got, c.want) || strings.Contains(got, "planted") {
				t.Errorf("%s, %s:\n%s", name, how, got)
			}
		}
	}
}
