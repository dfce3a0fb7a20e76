package feishusim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // the vendor's old card callback is signed with it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
)

// errCipher is every reason why a text cannot be decrypted.
var errCipher = errors.New("feishusim: the text is not encrypted with this key")

// Encrypt seals an event body as the platform does: AES-256-CBC under the
// SHA-256 of the key, PKCS#7, the 16 bytes of iv in front, base64.
func Encrypt(key string, iv [aes.BlockSize]byte, plain []byte) string {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // cannot happen: the key has 32 bytes
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(append(iv[:], text...))
}

// Decrypt opens what Encrypt sealed and strips the padding.
func Decrypt(key, sealed string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < 2*aes.BlockSize || len(raw)%aes.BlockSize != 0 {
		return nil, errCipher
	}
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // cannot happen: the key has 32 bytes
	}
	text := raw[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, raw[:aes.BlockSize]).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.Equal(text[len(text)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errCipher
	}
	return text[:len(text)-pad], nil
}

// Sign gives the value of X-Lark-Signature for a body as it goes over the wire.
func Sign(timestamp, nonce, key string, body []byte) string {
	sum := sha256.Sum256(append([]byte(timestamp+nonce+key), body...))
	return hex.EncodeToString(sum[:])
}

// SignLegacyCard gives the signature of the old message-card callback, which
// is made with the verification token and SHA-1. Receivers should refuse it.
func SignLegacyCard(timestamp, nonce, token string, body []byte) string {
	sum := sha1.Sum(append([]byte(timestamp+nonce+token), body...)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}
