package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestKindSurvivesWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp")
	f := fault.Wrap(fault.Limited, cause, "too many calls / 调用太频繁")
	f.After = time.Second
	err := fmt.Errorf("read users: %w", f)
	if fault.KindOf(err) != fault.Limited || fault.After(err) != time.Second || !fault.Retryable(err) {
		t.Errorf("kind %s, after %s, retryable %v", fault.KindOf(err), fault.After(err), fault.Retryable(err))
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := fault.KindOf(errors.New("x")); got != fault.Internal {
		t.Errorf("an error without a fault is %s", got)
	}
	if fault.KindOf(nil) != "" || fault.ExitCode(nil) != 0 {
		t.Error("nil is a fault")
	}
}

func TestSayHidesCauses(t *testing.T) {
	t.Parallel()
	if got := fault.Say(errors.New("https://x/?access_token=secret")); got != "internal error / 内部错误" {
		t.Errorf("Say = %q", got)
	}
	if got := fault.Say(fault.Wrap(fault.Invalid, errors.New("secret"), "bad row / 行有误")); got != "bad row / 行有误" {
		t.Errorf("Say = %q", got)
	}
}

func TestIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ say, lang, want string }{
		{"bad row / 行有误", "zh-CN", "行有误"},
		{"bad row / 行有误", "en", "bad row"},
		{"only one", "zh", "only one"},
		{"no a / b here / 没有 a / b", "en", "no a / b here"},
		{"no a / b here / 没有 a / b", "zh", "没有 a / b"},
		{"行有误 / bad row", "zh", "行有误"},
		{"行有误 / bad row", "en", "bad row"},
		{"person 张伟 is twice / 人员 张伟 出现两次", "en", "person 张伟 is twice"},
		{"", "zh", ""},
	} {
		if got := fault.In(c.say, c.lang); got != c.want {
			t.Errorf("In(%q, %s) = %q, want %q", c.say, c.lang, got, c.want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[fault.Kind]int{
		fault.Invalid: 2, fault.Unsupported: 2, fault.Denied: 3, fault.Credential: 4, fault.NotFound: 5,
		fault.Conflict: 6, fault.Stale: 6, fault.Limited: 7, fault.Unavailable: 7, fault.InDoubt: 7,
		fault.Aborted: 0, fault.Internal: 1,
	} {
		if got := fault.ExitCode(fault.New(kind, "x")); got != want {
			t.Errorf("%s: exit %d, want %d", kind, got, want)
		}
	}
}
