package feishubot

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// The texts of the vectors: of the vendor's page (V1), of the official SDK's
// tests (V2, V6), and computed with that SDK.
const (
	sealedHello     = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
	sealedChallenge = "AAECAwQFBgcICQoLDA0OD9MthWMoqaoDgKqwwtsEsO4Zm84Ys01mAKKmxJN/2Sitv1segWB2CNLbP5TMJhwP5E6ZDMlkjfKYOeDwJT+NcT57KiGnLsMcJ0pFp4KOEo4s"
	sealedEvent     = "bZ3L7yh6m3Fkuffl4g+3uGjIHnhOm5fVZbKVuyT8t7tcd5ABMYm8l28/X900ZL3knZ7n+sCREu/H2WnIzft0amC7+xWqNH8o25IU63N4BnZWfHh+4hyG76QPd19vkw2bPJCx9aqxK8Nz+xqFNbk0RdgyWhmgd30jSxHtcQXAllkI7FMpGpOCteJad3bLXPDBQIV/xkCtKICCS7Z63gakpxZCLaRZ3qCXP1fapHh+LBIupxenrU6ysc7I3nHmjmKie41IiWwS5puG4zQHhVbq6KWLcgWm/3NBZOPQy53ucMu75SXA55I7jarVLZXWUcqBGrcgE3vouWbtwgZuzmoTQl0GSh5VYSVvpW992BuGxUWj0XjPYdICJm6Cr7xouNXwMcdb7N8caVdkdSZeEnswG19qSyDoQhklwzNGW0yiaayulBqJNjfge/G5V3401c2XaIuAeEIo+QQ4RSNpRGfnHkbu/j55FGQAGWjpuBNaIwZbaUoVP3NkGP+vM5rpEDe3sL2GN+Xsd+g9yBs7FqdMV8mXTGgLjCqjrPrke5/km76Q3Pe6KPs2YexMRG4MkSx3xUTzZnNn7zIzShPcjeSwBd2pxk6ht5N+fzueZdxl6Oo="
	sdkBody         = `{"schema":"2.0","header":{"event_id":"f7984f25108f8137722bb63cee927e66","event_type":"contact.user.created_v3","app_id":"cli_xxxxxxxx","tenant_key":"xxxxxxx","create_time":"1603977298000000","token":"v"},"event":{"object":{"open_id":"ou_7dab8a3d3cdcc9da365777c7ad535d62","union_id":"on_576833b917gda3d939b9a3c2d53e72c8","user_id":"e33ggbyz","name":"张三","employee_no":"employee_no"}},"challenge":"1212","type":"url_verification"}`
)

func TestOpenVectors(t *testing.T) {
	t.Parallel()
	if got, err := newSealer("test key").open(sealedHello); err != nil || string(got) != "hello world" {
		t.Errorf("V1: %q, %v", got, err)
	}
	got, err := newSealer("1212121212").open(sealedEvent)
	if err != nil || !strings.Contains(string(got), `"contact.user.created_v3"`) || !strings.Contains(string(got), `"token":"v"`) {
		t.Errorf("V2: %q, %v", got, err)
	}
	got, err = newSealer("1212121212").open(sealedChallenge)
	if want := `{"challenge":"ajls384kdjx98XX","token":"v","type":"url_verification"}`; err != nil || string(got) != want {
		t.Errorf("V3: %q, %v", got, err)
	}
}

func TestSignVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stamp, nonce, body, want string }{
		{"V4", "1700000000", "abc123", `{"encrypt":"` + sealedChallenge + `"}`, "9b3279cb659b78320e9317c27f069ad3c2ba1934c6d6fe738709e694c1e19c28"},
		{"V5", "timestamp", "nonce", "{}", "d51c25cf143050860c6710434b95c5c3e0f44e2af19888bbf572d1420eefb50f"},
		{"V6", "timestamp", "nonce", sdkBody, "4dca085198cb3216defc5b65b0668c1328b038a22dbadf2bc6c4fdc3d32bbc45"},
	} {
		if got := newSealer("1212121212").sign(tt.stamp, tt.nonce, []byte(tt.body)); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// TestLegacyCardSignature posts V7: the signature of the old card callback,
// which needs the verification token only, is none of ours.
func TestLegacyCardSignature(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Lark-Request-Timestamp", "1700000000")
	r.Header.Set("X-Lark-Request-Nonce", "abc123")
	r.Header.Set("X-Lark-Signature", feishusim.SignLegacyCard("1700000000", "abc123", "v", []byte("{}")))
	out := httptest.NewRecorder()
	w.Handler(w.inbox.receive).ServeHTTP(out, r)
	if out.Code != http.StatusUnauthorized || w.Refused()[badSignature] != 1 {
		t.Errorf("%d, %v", out.Code, w.Refused())
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	s := newSealer("k")
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	for name, sealed := range map[string]string{
		"nothing": "", "no base64": "%%%", "an IV alone": short, "half a block": base64.StdEncoding.EncodeToString(make([]byte, 40)),
		"another key": sealedChallenge, "a text that made the SDK panic": "0AA0000000000000000008AUYc02A3XBn80Ez0A28P8=",
		"line breaks": sealedHello[:10] + "\n" + sealedHello[10:],
	} {
		if got, err := s.open(sealed); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestUnpadChecksEveryByte(t *testing.T) {
	t.Parallel()
	for size := 1; size <= aes.BlockSize; size++ {
		good := append(bytes.Repeat([]byte("x"), 2*aes.BlockSize-size), bytes.Repeat([]byte{byte(size)}, size)...)
		if got, err := unpad(bytes.Clone(good)); err != nil || len(got) != 2*aes.BlockSize-size {
			t.Fatalf("size %d: %q, %v", size, got, err)
		}
		for i := 2; i <= size; i++ {
			bad := bytes.Clone(good)
			bad[len(bad)-i] ^= 1
			if got, err := unpad(bad); err == nil {
				t.Errorf("size %d with byte %d wrong: %q", size, i, got)
			}
		}
	}
	for _, last := range []byte{0, 17, 255} {
		if got, err := unpad(append(bytes.Repeat([]byte{last}, 31), last)); err == nil {
			t.Errorf("padding of %d: %q", last, got)
		}
	}
}

// seal is the other direction, for tests.
func seal(t testing.TB, key string, plain []byte) string {
	t.Helper()
	s := newSealer(key)
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	iv := bytes.Repeat([]byte{7}, aes.BlockSize)
	cipher.NewCBCEncrypter(s.block, iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(append(iv, text...))
}

func FuzzOpen(f *testing.F) {
	f.Add(sealedHello)
	f.Add(sealedChallenge)
	f.Add("0AA0000000000000000008AUYc02A3XBn80Ez0A28P8=")
	s := newSealer("test key")
	f.Fuzz(func(t *testing.T, sealed string) {
		if got, err := s.open(sealed); err == nil && len(got) >= len(sealed) {
			t.Fatalf("%d bytes out of %d characters", len(got), len(sealed))
		}
		if got, err := s.open(seal(t, "test key", []byte(sealed))); err != nil || string(got) != sealed {
			t.Fatalf("%q comes back as %q, %v", sealed, got, err)
		}
	})
}
