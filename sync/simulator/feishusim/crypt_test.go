package feishusim

import (
	"bytes"
	"crypto/aes"
	"strings"
	"testing"
)

// longSealed is the official SDK's own test text (vector V2).
const longSealed = "bZ3L7yh6m3Fkuffl4g+3uGjIHnhOm5fVZbKVuyT8t7tcd5ABMYm8l28/X900ZL3knZ7n+sCREu/H2WnIzft0amC7+xWqNH8o25IU63N4BnZWfHh+4hyG76QPd19vkw2bPJCx9aqxK8Nz+xqFNbk0RdgyWhmgd30jSxHtcQXAllkI7FMpGpOCteJad3bLXPDBQIV/xkCtKICCS7Z63gakpxZCLaRZ3qCXP1fapHh+LBIupxenrU6ysc7I3nHmjmKie41IiWwS5puG4zQHhVbq6KWLcgWm/3NBZOPQy53ucMu75SXA55I7jarVLZXWUcqBGrcgE3vouWbtwgZuzmoTQl0GSh5VYSVvpW992BuGxUWj0XjPYdICJm6Cr7xouNXwMcdb7N8caVdkdSZeEnswG19qSyDoQhklwzNGW0yiaayulBqJNjfge/G5V3401c2XaIuAeEIo+QQ4RSNpRGfnHkbu/j55FGQAGWjpuBNaIwZbaUoVP3NkGP+vM5rpEDe3sL2GN+Xsd+g9yBs7FqdMV8mXTGgLjCqjrPrke5/km76Q3Pe6KPs2YexMRG4MkSx3xUTzZnNn7zIzShPcjeSwBd2pxk6ht5N+fzueZdxl6Oo="

const challengeSealed = "AAECAwQFBgcICQoLDA0OD9MthWMoqaoDgKqwwtsEsO4Zm84Ys01mAKKmxJN/2Sitv1segWB2CNLbP5TMJhwP5E6ZDMlkjfKYOeDwJT+NcT57KiGnLsMcJ0pFp4KOEo4s"

// sdkBody is the body of the official SDK's signature test (vector V6).
const sdkBody = `{"schema":"2.0","header":{"event_id":"f7984f25108f8137722bb63cee927e66","event_type":"contact.user.created_v3","app_id":"cli_xxxxxxxx","tenant_key":"xxxxxxx","create_time":"1603977298000000","token":"v"},"event":{"object":{"open_id":"ou_7dab8a3d3cdcc9da365777c7ad535d62","union_id":"on_576833b917gda3d939b9a3c2d53e72c8","user_id":"e33ggbyz","name":"张三","employee_no":"employee_no"}},"challenge":"1212","type":"url_verification"}`

func TestDecryptVectors(t *testing.T) {
	t.Parallel()
	if got, err := Decrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="); err != nil || string(got) != "hello world" {
		t.Errorf("V1: %q, %v", got, err)
	}
	got, err := Decrypt("1212121212", longSealed)
	if err != nil || !strings.Contains(string(got), "contact.user.created_v3") || !strings.Contains(string(got), `"challenge":"1212"`) {
		t.Errorf("V2: %q, %v", got, err)
	}
	plain := `{"challenge":"ajls384kdjx98XX","token":"v","type":"url_verification"}`
	iv := [aes.BlockSize]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	if got := Encrypt("1212121212", iv, []byte(plain)); got != challengeSealed {
		t.Errorf("V3: %s", got)
	}
	if _, err := Decrypt("another key", challengeSealed); err == nil {
		t.Error("a text of another key was opened")
	}
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, stamp, nonce, body, want string }{
		{"V4", "1700000000", "abc123", `{"encrypt":"` + challengeSealed + `"}`, "9b3279cb659b78320e9317c27f069ad3c2ba1934c6d6fe738709e694c1e19c28"},
		{"V5", "timestamp", "nonce", "{}", "d51c25cf143050860c6710434b95c5c3e0f44e2af19888bbf572d1420eefb50f"},
		{"V6", "timestamp", "nonce", sdkBody, "4dca085198cb3216defc5b65b0668c1328b038a22dbadf2bc6c4fdc3d32bbc45"},
	} {
		if got := Sign(tt.stamp, tt.nonce, "1212121212", []byte(tt.body)); got != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	if got := SignLegacyCard("1700000000", "abc123", "v", []byte("{}")); got != "9ee9a60e9edbdca6acd848e8a79e4d034bdd71e3" {
		t.Errorf("V7: %s", got)
	}
}

func TestHookSignVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stamp, secret, want string }{
		{"100", "demo", "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg="},
		{"1599360473", "SEC-test", "eHlUm3DFUZb2lFl34AKGius3AWMhNe83y5LY8KVthOw="},
		{"1700000000", "demo", "8oT2n3SMKFfEnDoiwer8BUM/SjKLwe9SqoEIHlhDTKo="},
	} {
		if got := HookSign(tt.stamp, tt.secret); got != tt.want {
			t.Errorf("%s %s: %s", tt.stamp, tt.secret, got)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")
	f.Add("", "AAAA")
	f.Fuzz(func(t *testing.T, key, sealed string) {
		plain, err := Decrypt(key, sealed)
		if err != nil {
			return
		}
		again, err := Decrypt(key, Encrypt(key, [aes.BlockSize]byte{}, plain))
		if err != nil || !bytes.Equal(again, plain) {
			t.Fatalf("not the same after a round: %q, %v", again, err)
		}
	})
}
