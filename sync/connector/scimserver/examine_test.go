package scimserver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
)

// TestExamine follows a provider from before its first push until it falls silent.
func TestExamine(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	see := func(want ...string) {
		t.Helper()
		var b strings.Builder
		for _, f := range w.Examine(t.Context(), connector.Use{}) {
			b.WriteString(map[connector.Level]string{connector.Works: "+", connector.Hidden: "~", connector.Refused: "-", connector.Unverified: "?"}[f.Level])
			b.WriteString(" " + strings.Join([]string{f.Capability.EN, f.Say.EN, f.Do.EN, f.Capability.ZH, f.Say.ZH, f.Do.ZH}, " | ") + "\n")
		}
		for _, s := range want {
			if !strings.Contains(b.String(), s) {
				t.Errorf("%s\nlacks %q", b.String(), s)
			}
		}
		if strings.Contains(b.String(), token) {
			t.Error("the token is told")
		}
	}
	see("~ receive pushes | nothing was ever pushed", "the address https://rollcall.example.com/scim/okta/v2", "测试连接后开启预配")
	w.add(t, "/Users", `{"userName":"amy"}`)
	see("+ receive pushes | last at 2026-11-02 09:00 UTC", "? whole company visible | the first push is not over", "+ read users and groups | users 1, groups 0")
	w.clock.pass(2 * time.Hour)
	see("+ whole company visible | ", "+ receive pushes")
	w.clock.pass(20 * 24 * time.Hour)
	see("? receive pushes | last at 2026-11-02 09:00 UTC, silent for 20 days", "请确认预配仍在运行")

	w = open(t, func(o *scimserver.Options) { o.Contents, o.BaseURL = scimserver.Partial, "" })
	see("server.public_url")
	w.add(t, "/Users", `{"userName":"amy"}`)
	see("+ whole company visible | a part as configured")
}

// TestExamineWithoutRecord says so when the record does not answer.
func TestExamineWithoutRecord(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	found := w.Examine(canceled(t), connector.Use{})
	if len(found) != 1 || found[0].Level != connector.Refused || found[0].Do.ZH == "" {
		t.Errorf("%+v", found)
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
