package feishubot

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

var errUnreadable = errors.New("is not sealed with our Encrypt Key")

// sealer knows the Encrypt Key. Source: the vendor's page "send notifications
// to developer's server": the key of AES-256-CBC is SHA-256 of the Encrypt Key,
// the text is base64 of the IV and what follows it.
type sealer struct {
	key   string
	block cipher.Block
}

func newSealer(key string) *sealer {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // 32 bytes are always a key
	}
	return &sealer{key: key, block: block}
}

// open decrypts a sealed text.
func (s *sealer) open(sealed string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) < 2*aes.BlockSize || len(raw)%aes.BlockSize != 0 {
		return nil, errUnreadable
	}
	iv, text := raw[:aes.BlockSize], raw[aes.BlockSize:]
	cipher.NewCBCDecrypter(s.block, iv).CryptBlocks(text, text)
	return unpad(text)
}

// unpad takes PKCS #7 padding off. Every byte of it is checked, and in the same
// time wherever the first wrong one stands.
func unpad(text []byte) ([]byte, error) {
	size := int(text[len(text)-1])
	good := subtle.ConstantTimeLessOrEq(1, size) & subtle.ConstantTimeLessOrEq(size, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		inside := subtle.ConstantTimeLessOrEq(i, size)
		same := subtle.ConstantTimeByteEq(text[len(text)-i], byte(size)) //nolint:gosec // read from one byte
		good &= subtle.ConstantTimeSelect(inside, same, 1)
	}
	if good != 1 {
		return nil, errUnreadable
	}
	return text[:len(text)-size], nil
}

// sign gives the signature of a request: SHA-256 over time, nonce, key and the
// body as it came, in lower-case hex.
func (s *sealer) sign(timestamp, nonce string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(timestamp + nonce + s.key))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// equal compares two secrets without telling by its time how much of them is
// the same.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
