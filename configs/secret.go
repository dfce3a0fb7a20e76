package configs

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// stars is how a secret prints.
const stars = "***"

// Secret holds a resolved secret and prints as *** in every format: fmt with
// any verb, JSON, YAML, text, slog. Only Reveal gives the text. The zero
// Secret is one that is not set. Secrets cannot be compared by ==.
type Secret struct {
	// The text stands behind a function, because fmt asks no method of a
	// value in an unexported field, nor for the verb %w: both print the
	// address of the function instead.
	reveal func() string
}

var (
	_ fmt.Formatter          = Secret{}
	_ fmt.Stringer           = Secret{}
	_ fmt.GoStringer         = Secret{}
	_ encoding.TextMarshaler = Secret{}
	_ json.Marshaler         = Secret{}
	_ slog.LogValuer         = Secret{}
)

// NewSecret makes a secret of text, for tests and for the demo.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal gives the text. Never log or print what comes back.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsSet tells whether there is a secret: one that resolved to an empty text
// counts as not set.
func (s Secret) IsSet() bool { return s.reveal != nil }

// String gives ***.
func (s Secret) String() string { return stars }

// GoString gives ***.
func (s Secret) GoString() string { return stars }

// Format writes *** for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, stars) }

// MarshalText gives ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// MarshalJSON gives "***".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + stars + `"`), nil }

// MarshalYAML gives ***.
func (s Secret) MarshalYAML() (any, error) { return stars, nil }

// LogValue gives ***.
func (s Secret) LogValue() slog.Value { return slog.StringValue(stars) }
