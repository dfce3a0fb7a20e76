package run_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func TestParseCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]run.Code{
		"7K3MQ2": "7K3MQ2", "#7k3mq2": "7K3MQ2", " 7k3mQ2 ": "7K3MQ2", //nolint:gocritic // people paste spaces too
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

// TestCodeCatchesSwappedNeighbours sees how people mistype: of all pairs of
// neighbours that differ, nearly every swap is noticed, and what is not noticed is
// the code of nobody else's run but by chance.
func TestCodeCatchesSwappedNeighbours(t *testing.T) {
	t.Parallel()
	swapped, missed := 0, 0
	for range 2000 {
		code, err := run.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(code) - 1 {
			if code[i] == code[i+1] {
				continue
			}
			wrong := []byte(code)
			wrong[i], wrong[i+1] = wrong[i+1], wrong[i]
			swapped++
			if _, err := run.ParseCode(string(wrong)); err == nil {
				missed++
			}
		}
	}
	if missed*20 > swapped {
		t.Errorf("%d of %d swaps pass", missed, swapped)
	}
}

func TestNewCodeUsesWhatItDraws(t *testing.T) {
	t.Parallel()
	first, err := run.NewCode(bytes.NewReader([]byte{0, 1, 2, 30, 31}))
	if err != nil || first[:5] != "012YZ" {
		t.Errorf("%s, %v", first, err)
	}
	again, err := run.NewCode(bytes.NewReader([]byte{32, 33, 34, 62, 63}))
	if err != nil || again != first {
		t.Errorf("%s, %v", again, err)
	}
	if code, err := run.NewCode(bytes.NewReader([]byte{1, 2, 3})); code != "" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", code, err)
	}
}

// TestCodesAreSpread draws many codes: no character is rare in any place.
func TestCodesAreSpread(t *testing.T) {
	t.Parallel()
	const draws = 32 * 300
	var seen [6]map[byte]int
	for range draws {
		code, err := run.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if seen[i] == nil {
				seen[i] = map[byte]int{}
			}
			seen[i][code[i]]++
		}
	}
	for i, chars := range seen {
		for c, n := range chars {
			if n < 150 || n > 450 {
				t.Errorf("%c is in place %d %d times of %d", c, i+1, n, draws)
			}
		}
		if len(chars) != 32 {
			t.Errorf("%d characters in place %d", len(chars), i+1)
		}
	}
}

func TestLooksLikeCode(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"7K3MQ2": true, "#7k3mq2": true, "7K3MQ3": true, "7KO3L2": true, "abcdef": true, "status": false, "7K3MQ": false, "7K3MQ22": false,
		"7K3-Q2": false, "": false, "#": false, "批准7K3M": false, "2o26oo": true, "123456": true,
	} {
		if got := run.LooksLikeCode(s); got != want {
			t.Errorf("LooksLikeCode(%q) = %t", s, got)
		}
	}
}

// TestARightCodeLooksLikeOne draws codes: each looks like one, in lower case
// too.
func TestARightCodeLooksLikeOne(t *testing.T) {
	t.Parallel()
	for range 500 {
		code, err := run.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !run.LooksLikeCode(strings.ToLower(string(code))) {
			t.Errorf("%s", code)
		}
	}
}

func TestARefusedCodeIsNeverCorrected(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"7K3MQ3", "hello", "7K3MP2"} {
		code, err := run.ParseCode(s)
		if code != "" || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q, %v", code, err)
		}
		say := fault.Say(err)
		if en, zh := fault.In(say, "en"), fault.In(say, "zh"); en == zh || !strings.Contains(say, strings.ToUpper(strings.NewReplacer("l", "1", "o", "0").Replace(s))) {
			t.Errorf("%q", say)
		}
	}
}
