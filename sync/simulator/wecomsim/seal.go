package wecomsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // the vendor's signature is SHA-1
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The vendor's callback cipher: AES-256-CBC whose IV is the start of the key,
// padded to blocks of 32.
const (
	aesKeyLength = 43
	prefixSize   = 16
	padSize      = 32
)

// encrypt gives base64(AES(prefix, length, text, receiver)).
func encrypt(aesKey string, prefix, text []byte, receiver string) (string, error) {
	if len(aesKey) != aesKeyLength {
		return "", errors.New("read EncodingAESKey: not 43 characters")
	}
	// Not Strict: real keys have stray bits in the last character.
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil {
		return "", errors.New("read EncodingAESKey: not base64")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("make cipher: %w", err)
	}
	data := slices.Clone(prefix)
	data = binary.BigEndian.AppendUint32(data, uint32(len(text))) //nolint:gosec // a short text of our own
	data = append(data, text...)
	data = append(data, receiver...)
	pad := padSize - len(data)%padSize
	data = append(data, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data), nil
}

// sign gives the vendor's msg_signature.
func sign(parts ...string) string {
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
