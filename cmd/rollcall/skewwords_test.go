package main

import (
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
		"demo --feishu calback":      {"--feishu must be connection or callback", "--feishu 只能是 connection 或 callback"},
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
