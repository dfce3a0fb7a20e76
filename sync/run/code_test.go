package run_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func TestParseCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]run.Code{
		"7K3MQ2": "7K3MQ2", "#7k3mq2": "7K3MQ2", " 7k3mQ2 ": "7K3MQ2",
		"7K3MQ3": "", "7K3MP2": "", "": "", "7K3MQ": "", "7K3MQ22": "", "甲乙丙丁戊己": "", "7K3MU2": "",
	} {
		got, err := run.ParseCode(in)
		if got != want || (want == "") != (fault.KindOf(err) == fault.Invalid) {
			t.Errorf("ParseCode(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestCodeCatchesEverySingleWrongCharacter(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for range 50 {
		code, err := run.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.ParseCode(string(code)); err != nil {
			t.Fatalf("own code %s: %v", code, err)
		}
		for i := range code {
			for _, c := range alphabet {
				wrong := string(code[:i]) + string(c) + string(code[i+1:])
				if _, err := run.ParseCode(wrong); err == nil && wrong != string(code) {
					t.Fatalf("%s passes for %s", wrong, code)
				}
			}
		}
	}
}

func TestCodeReadsLookAlikes(t *testing.T) {
	t.Parallel()
	for range 200 {
		code, _ := run.NewCode(rand.Reader)
		typed := strings.NewReplacer("0", "o", "1", "l").Replace(string(code))
		if got, err := run.ParseCode(typed); err != nil || got != code {
			t.Fatalf("ParseCode(%q) = %q, %v; want %s", typed, got, err, code)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("7K3MQ2")
	f.Fuzz(func(t *testing.T, s string) {
		if code, err := run.ParseCode(s); err == nil {
			if again, err := run.ParseCode(string(code)); err != nil || again != code {
				t.Fatalf("%q does not read back", code)
			}
		}
	})
}
