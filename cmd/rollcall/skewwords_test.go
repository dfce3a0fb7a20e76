package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSkewSaysWhichWay sees that a clock is ahead or behind, and never "-7s ahead".
func TestSkewSaysWhichWay(t *testing.T) {
	t.Parallel()
	for offset, want := range map[time.Duration][2]string{
		7 * time.Second:  {"the clock of PostgreSQL is 7s ahead of this machine's", "PostgreSQL 的时钟比本机快 7s"},
		-7 * time.Second: {"the clock of PostgreSQL is 7s behind this machine's", "PostgreSQL 的时钟比本机慢 7s"},
	} {
		if got := askew(offset); got.EN != want[0] || got.ZH != want[1] {
			t.Errorf("%s: %+v", offset, got)
		}
	}
}

// TestDemoRefusesWhatItIsNot types a way in which events do not come: the demo would
// otherwise play another one.
func TestDemoRefusesWhatItIsNot(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"demo --feishu webhook":      {"--feishu must be connection or callback", "--feishu 只能是 connection 或 callback"},
		"demo --dingtalk connection": {"--dingtalk must be stream or callback", "--dingtalk 只能是 stream 或 callback"},
	} {
		for i, lang := range []string{"en_US.UTF-8", "zh_CN.UTF-8"} {
			exit, out, complaint := typedLine(t, lang, strings.Fields(line)...)
			if exit != 2 || out != "" || complaint != "rollcall: "+want[i]+"\n" {
				t.Errorf("%s: exit %d, %q, %q", line, exit, out, complaint)
			}
		}
	}
}

// TestMigrateSaysWhereTheRecordIs runs migrate while PostgreSQL is away: as at the start
// of the service the sentence names the place, the reason and the way on.
func TestMigrateSaysWhereTheRecordIs(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), "127.0.0.1:"+freePort(t)
	config := filepath.Join(dir, "rollcall.yaml")
	text := "data: data\nrecord: postgres://rollcall:canary-pw@" + at + "/rollcall\n" +
		"systems:\n  hr: {type: file, path: roster.csv, id: 工号, contents: full}\n  out: {type: file, path: out.csv, id: 工号, contents: full}\n" +
		"flows:\n  f: {from: hr, to: out, users: {match: [employee_no], map: {employee_no: employee_no}}}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for lang, wants := range map[string][]string{
		"en_US.UTF-8": {"the record cannot be read or written now", "PostgreSQL at " + at, "nobody listens there"},
		"zh_CN.UTF-8": {"数据库暂时无法读写", "PostgreSQL，" + at, "没有程序在监听"},
	} {
		exit, out, complaint := typedLine(t, lang, "migrate", "-c", config)
		if exit != 7 || out != "" || strings.Contains(complaint, "canary-pw") {
			t.Errorf("%s: exit %d, %q, %q", lang, exit, out, complaint)
		}
		for _, want := range wants {
			if !strings.Contains(complaint, want) {
				t.Errorf("%s: %q is not in %q", lang, want, complaint)
			}
		}
	}
}
