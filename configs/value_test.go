package configs

import (
	"slices"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "12h": 12 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute,
		"0d": 0, "0s": 0, "1h30m": 90 * time.Minute, "45s": 45 * time.Second,
	} {
		got, ok := parseDuration(text)
		if !ok || got.Std() != want {
			t.Errorf("%s: got %s, %t; want %s", text, got.Std(), ok, want)
		}
		if again, ok := parseDuration(got.String()); !ok || again != got {
			t.Errorf("%s: %s does not read back", text, got)
		}
	}
	for _, text := range []string{"", "30", "d", "-1d", "-1h", "1d-1h", "1.5d", "99999d", "9999999d", "1w", "1d1", "３０d"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q: got %s, want a refusal", text, got)
		}
	}
	for text, want := range map[time.Duration]string{30 * day: "30d", 36 * time.Hour: "1d12h", 8 * time.Hour: "8h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m"} {
		if got := Duration(text).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	if got := daily.String() + " " + weekdays.String() + " " + (Days{time.Monday, time.Sunday}).String(); got != "daily weekdays mon,sun" {
		t.Errorf("got %s", got)
	}
	for text, want := range map[string]Days{
		"daily":          daily,
		"weekdays":       weekdays,
		"[sun, mon, 周一]": {time.Monday, time.Sunday},
		"周三":             {time.Wednesday},
		"[Sat]":          {time.Saturday},
		"null":           daily,
		`["tue", "thu"]`: {time.Tuesday, time.Thursday},
	} {
		c := parseMinimal(t, minimal[:len(minimal)-2]+", days: "+text+"}\n")
		if got := c.Digests[0].Days; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"schedule", "rooms", "from", "to", "app_secret"}
	for word, want := range map[string]string{
		"schedul": "schedule", "room": "rooms", "Rooms": "rooms", "form": "from", "appsecret": "app_secret", "ot": "to",
		"entirely": "", "x": "", "": "",
	} {
		if got, _ := nearest(word, keys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	base := parseMinimal(t, minimal).Flows[0]
	same := parseMinimal(t, minimal+"# a comment\n").Flows[0]
	if base.Hash(nil, nil) != same.Hash(nil, nil) || len(base.Hash(nil, nil)) != 64 {
		t.Errorf("a comment changes the hash, or it is no SHA-256: %s", base.Hash(nil, nil))
	}
	seen := map[string]string{base.Hash(nil, nil): "base"}
	differ := func(what, hash string) {
		if other, ok := seen[hash]; ok {
			t.Errorf("%s has the hash of %s", what, other)
		}
		seen[hash] = what
	}
	differ("a rule", base.Hash([]byte("x"), nil))
	differ("a rule of departments", base.Hash(nil, []byte("x")))
	differ("both", base.Hash([]byte("x"), []byte("x")))
	differ("longer", base.Hash([]byte("xx"), nil))
	for what, change := range map[string]func(*Flow){
		"guard":     func(f *Flow) { f.Guard.MaxDelete = 0 },
		"percent":   func(f *Flow) { f.Guard.MaxChangePercent = 0 },
		"errors":    func(f *Flow) { f.Guard.MaxRuleErrorPercent = 0 },
		"approve":   func(f *Flow) { f.Approve.ApplySafeChangesFirst = false },
		"protect":   func(f *Flow) { f.Protect.Attributes = Conditions{{Name: "a", Values: []string{"b"}}} },
		"protect 2": func(f *Flow) { f.Protect.Departments = Strings{"/x"} },
		"after":     func(f *Flow) { f.Leavers.After = 0 },
		"when":      func(f *Flow) { f.Leavers.When = Conditions{{Name: "a", Values: []string{"b"}}} },
		"map":       func(f *Flow) { f.Users.Map = f.Users.Map[:1] },
		"match":     func(f *Flow) { f.Users.Match = Strings{"email", "mobile"} },
		"no dept":   func(f *Flow) { f.Departments = nil },
		"to":        func(f *Flow) { f.To = "x" },
	} {
		f := base
		change(&f)
		differ(what, f.Hash(nil, nil))
	}
}

func TestSnapshotKey(t *testing.T) {
	t.Parallel()
	inHex := "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	inBase64 := "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for _, text := range []string{inHex, inBase64} {
		c, err := Parse([]byte("data_key: ${K}"), world{env: map[string]string{"K": text}}.options("c.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if key := c.SnapshotKey(); len(key) != 32 || key[0] != 0 || key[31] != 31 {
			t.Errorf("%s: got %x", text, key)
		}
	}
	if key := parseMinimal(t, minimal).SnapshotKey(); key != nil {
		t.Errorf("without a key got %x", key)
	}
}

func TestAuditKeys(t *testing.T) {
	t.Parallel()
	one := "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	two := "//////////////////////////////////////////8="
	for text, want := range map[string]int{one: 1, one + "\n" + two: 2, two + ", " + one: 2} {
		c, err := Parse([]byte("audit_key: ${K}"), world{env: map[string]string{"K": text}}.options("c.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		keys := c.AuditKeys()
		if len(keys) != want || len(keys[0]) != 32 || (keys[0][31] == 31) != (text[:2] == "00") {
			t.Errorf("%q: got %x", text, keys)
		}
	}
	if keys := parseMinimal(t, minimal).AuditKeys(); keys != nil {
		t.Errorf("without a key got %x", keys)
	}
}
