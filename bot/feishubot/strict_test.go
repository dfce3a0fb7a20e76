package feishubot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// bombs are bodies that no sender with good intentions writes.
func bombs() map[string]string {
	var keys strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&keys, `"k%d":1,`, i)
	}
	return map[string]string{
		"deep lists":       strings.Repeat("[", 200_000),
		"deep objects":     strings.Repeat(`{"a":`, 100_000),
		"many keys":        "{" + keys.String() + `"z":1}`,
		"many values":      `{"a":[` + strings.Repeat("1,", 200_000) + "1]}",
		"double key":       `{"token":"a","token":"b"}`,
		"double key, case": `{"token":"a","Token":"b"}`,
		"double key, fold": "{\"toKen\":\"a\",\"to\u212aen\":\"b\"}",
		"double key, deep": `{"a":[{"b":{"c":1,"c":2}}]}`,
		"long number":      `{"a":1` + strings.Repeat("0", 10_000) + "}",
		"invalid UTF-8":    "{\"a\":\"\xff\"}",
		"NUL":              "{\"a\":\x00}",
		"BOM":              "\ufeff{}",
		"two values":       "{}{}",
		"a list":           "[]",
		"a string":         `"x"`,
		"nothing":          "",
		"half":             `{"a":`,
		"wrong bracket":    `{"a":1]`,
	}
}

func TestStrictRefusesBombs(t *testing.T) {
	t.Parallel()
	for name, body := range bombs() {
		if strict([]byte(body)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// BenchmarkStrictBombs shows what each costs: milliseconds.
func BenchmarkStrictBombs(b *testing.B) {
	for name, body := range bombs() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = strict([]byte(body))
			}
		})
	}
}

func TestStrictAccepts(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}],"d":null,"e":true,"f":"x","g":-1.5e3}`, " {\"a\" : [ ] } \n", sdkBody,
	} {
		if err := strict([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzStrict(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}],"A":2}`)
	f.Add(sdkBody)
	f.Fuzz(func(t *testing.T, body string) {
		if strict([]byte(body)) != nil {
			return
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
	})
}
