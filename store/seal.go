package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
)

// A sealed stream is a random salt and then chunks of at most chunkLen bytes,
// each under AES-256-GCM with a key of this stream alone. The nonce holds the
// chunk's number and whether it is the last, so chunks can be neither swapped,
// nor dropped, nor cut off at the end.
const (
	saltLen  = 16
	chunkLen = 64 << 10
)

// errSeal is what a wrong key gives, and every change of a sealed stream.
var errSeal = errors.New("wrong key, or the file was changed")

// chunkCipher makes the cipher of one stream from the configured key.
func chunkCipher(key, salt []byte) (cipher.AEAD, error) {
	own, err := hkdf.Key(sha256.New, key, salt, "rollcall snapshot", keyLen)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// nonceOf gives the nonce of a chunk: eight bytes of number, and in the last of
// the four others the mark of the end.
func nonceOf(aead cipher.AEAD, number uint64, last bool) []byte {
	nonce := make([]byte, aead.NonceSize())
	binary.BigEndian.PutUint64(nonce, number)
	if last {
		nonce[len(nonce)-1] = 1
	}
	return nonce
}

// sealer encrypts what is written to it; Close writes the last chunk.
type sealer struct {
	to     io.Writer
	aead   cipher.AEAD
	number uint64
	plain  []byte
	sealed []byte
}

func newSealer(to io.Writer, key []byte) (*sealer, error) {
	salt := make([]byte, saltLen)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	aead, err := chunkCipher(key, salt)
	if err != nil {
		return nil, err
	}
	if _, err := to.Write(salt); err != nil {
		return nil, err
	}
	return &sealer{to: to, aead: aead, plain: make([]byte, 0, chunkLen)}, nil
}

// Write takes bytes; a full chunk is written when more follows, since the last
// one is marked.
func (s *sealer) Write(b []byte) (int, error) {
	total := len(b)
	for len(b) > 0 {
		if len(s.plain) == chunkLen {
			if err := s.flush(false); err != nil {
				return 0, err
			}
		}
		n := min(len(b), chunkLen-len(s.plain))
		s.plain, b = append(s.plain, b[:n]...), b[n:]
	}
	return total, nil
}

// Close writes the last chunk, which may be empty.
func (s *sealer) Close() error { return s.flush(true) }

func (s *sealer) flush(last bool) error {
	// A key seals one file, and the number of the chunk never repeats in it.
	s.sealed = s.aead.Seal(s.sealed[:0], nonceOf(s.aead, s.number, last), s.plain, nil) //nolint:gosec // see above
	s.number++
	s.plain = s.plain[:0]
	_, err := s.to.Write(s.sealed)
	return err
}

// opener decrypts what a sealer wrote. It gives no byte of a chunk before the
// chunk is proven.
type opener struct {
	from   io.Reader
	aead   cipher.AEAD
	number uint64
	sealed []byte // a chunk and one byte more, which tells whether another follows
	held   int    // bytes of the next chunk that were read already
	plain  []byte
	done   bool
}

func newOpener(from io.Reader, key []byte) (*opener, error) {
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(from, salt); err != nil {
		return nil, errSeal
	}
	aead, err := chunkCipher(key, salt)
	if err != nil {
		return nil, err
	}
	return &opener{from: from, aead: aead, sealed: make([]byte, chunkLen+aead.Overhead()+1)}, nil
}

// Read gives proven bytes.
func (o *opener) Read(b []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.done {
			return 0, io.EOF
		}
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

func (o *opener) next() error {
	n, err := io.ReadFull(o.from, o.sealed[o.held:])
	n += o.held
	last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !last {
		return err
	}
	chunk := o.sealed[:n]
	if !last {
		chunk = o.sealed[:n-1]
	}
	plain, err := o.aead.Open(nil, nonceOf(o.aead, o.number, last), chunk, nil)
	if err != nil {
		return errSeal
	}
	if o.held = 0; !last {
		o.sealed[0], o.held = o.sealed[n-1], 1
	}
	o.number, o.plain, o.done = o.number+1, plain, last
	return nil
}
