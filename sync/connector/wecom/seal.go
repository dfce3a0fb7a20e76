package wecom

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // the vendor's signature is SHA-1
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The callback cipher: AES-256-CBC whose IV is the start of the key, padded to
// blocks of 32. Source: the vendor's page on callback encryption.
const (
	aesKeyLength = 43
	prefixSize   = 16 // random bytes, not text
	lengthSize   = 4
	padSize      = 32
)

// seal opens what the vendor sends to a callback.
type seal struct {
	token    string
	key      []byte
	receiver string
}

// newSeal reads an EncodingAESKey. Not strictly: real keys have stray bits in the
// last character. Faults: Invalid.
func newSeal(token, aesKey, receiver string) (*seal, error) {
	if len(aesKey) != aesKeyLength {
		return nil, fault.New(fault.Invalid, "wecom events: aes_key is wrong: an EncodingAESKey has %d characters / 企业微信事件：aes_key 有误：EncodingAESKey 应为 %d 个字符", aesKeyLength, aesKeyLength)
	}
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil {
		return nil, fault.New(fault.Invalid, "wecom events: aes_key is wrong: an EncodingAESKey is letters and digits alone / 企业微信事件：aes_key 有误：EncodingAESKey 只能是字母和数字")
	}
	return &seal{token: token, key: key, receiver: receiver}, nil
}

// signed tells whether a signature fits, in constant time.
func (s *seal) signed(signature, timestamp, nonce, encrypted string) bool {
	parts := []string{s.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // see the import
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(signature)) == 1
}

var errSealed = errors.New("cannot be opened")

// open gives the message in a sealed text. Everything that is wrong looks the same.
func (s *seal) open(encrypted string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errSealed
	}
	block, err := aes.NewCipher(s.key)
	if err != nil {
		return nil, errSealed
	}
	cipher.NewCBCDecrypter(block, s.key[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > padSize || len(data)-pad < prefixSize+lengthSize {
		return nil, errSealed
	}
	for _, b := range data[len(data)-pad:] {
		if int(b) != pad {
			return nil, errSealed
		}
	}
	data = data[prefixSize : len(data)-pad]
	n := binary.BigEndian.Uint32(data)
	data = data[lengthSize:]
	if uint64(n) > uint64(len(data)) {
		return nil, errSealed
	}
	if subtle.ConstantTimeCompare(data[n:], []byte(s.receiver)) != 1 {
		return nil, errSealed
	}
	return data[:n], nil
}
