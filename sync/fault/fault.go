// Package fault holds the one kind of error that crosses package borders.
//
// A fault says what should happen next (Kind), keeps the number that a vendor
// gave (Code), carries one sentence that is safe to show in a group chat
// (Say) and the cause for the log (Err). It is not for control flow inside a
// package, and it knows no vendor.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Kind answers what should happen next. It is the metric label, the HTTP
// status and the exit code at once.
type Kind string

// The kinds, from "the asker is wrong" to "we are wrong".
const (
	Invalid     Kind = "invalid"     // the asker, the config, a mapping or a rule is wrong: point at the place
	Denied      Kind = "denied"      // our own rules refuse: say who may
	Credential  Kind = "credential"  // the other system refuses our credentials or origin: stop, tell admins, no retry
	NotFound    Kind = "not_found"   // it is not there: as the caller decides
	Conflict    Kind = "conflict"    // someone else got there first, or it exists already: read again, try once
	Stale       Kind = "stale"       // the world moved since the plan: skip, report, the next run plans afresh
	Limited     Kind = "limited"     // told to slow down: wait After, then retry
	Unavailable Kind = "unavailable" // network, 5xx, or refused before any effect: retry with back-off, then fail
	InDoubt     Kind = "in_doubt"    // a write was sent and its answer never came: settle by reading, never send blindly
	Unsupported Kind = "unsupported" // this system cannot do that
	Aborted     Kind = "aborted"     // a rule or a person said stop: a decision, not a failure
	Internal    Kind = "internal"    // our bug; also an error without a kind
)

// Error is a fault. Build one with New or Wrap.
type Error struct {
	Kind  Kind
	Code  string        // the vendor's number or name, if any
	Say   string        // one sentence, safe in a group chat: no secret, no URL, no stack; "English / 中文", see In
	After time.Duration // for Limited and Unavailable: how long the other side asked us to wait; 0 = not said
	Err   error         // the cause, for the log; may be nil
}

// Error gives the sentence, the vendor's code and the cause.
func (e *Error) Error() string {
	text := e.Say
	if text == "" {
		text = string(e.Kind)
	}
	if e.Code != "" {
		text += " [" + e.Code + "]"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a fault whose sentence is formatted from format and args.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Say: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault around a cause. It returns a non-nil error even for a
// nil cause: call it only when something went wrong.
func Wrap(kind Kind, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Say: fmt.Sprintf(format, args...), Err: err}
}

// KindOf gives the kind of the outermost fault in err, Internal for an error
// without one, and the empty kind for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// Say gives the sentence that people may see. An error without a fault yields
// a short apology: its text might hold a secret.
func Say(err error) string {
	if f, ok := errors.AsType[*Error](err); ok && f.Say != "" {
		return f.Say
	}
	return "internal error / 内部错误"
}

// In picks one language of a sentence that is written "English / 中文": lang is
// "zh" (or begins so) or anything else for English. A sentence in one language
// comes back whole. What both halves quote may itself hold the divider: the
// middle one counts. Halves in the wrong order are told apart by their Han
// characters.
func In(say, lang string) string {
	parts := strings.Split(say, divider)
	if len(parts)%2 != 0 {
		return say
	}
	half := len(parts) / 2
	en, zh := strings.Join(parts[:half], divider), strings.Join(parts[half:], divider)
	if han(en) > han(zh) {
		en, zh = zh, en
	}
	if strings.HasPrefix(lang, "zh") {
		return zh
	}
	return en
}

// han counts the Chinese characters of a text.
func han(s string) int {
	n := 0
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

const divider = " / "

// After gives how long the other side asked us to wait, or 0.
func After(err error) time.Duration {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.After
	}
	return 0
}

// Retryable tells whether the same call may be made again later without a
// person's help. InDoubt is not retryable: it must be settled first.
func Retryable(err error) bool {
	switch KindOf(err) {
	case Limited, Unavailable:
		return true
	default:
		return false
	}
}

// ExitCode gives the process's exit code for err: 0 for nil and for Aborted,
// which is a decision and not a failure.
func ExitCode(err error) int {
	switch KindOf(err) {
	case "", Aborted:
		return 0
	case Invalid, Unsupported:
		return 2
	case Denied:
		return 3
	case Credential:
		return 4
	case NotFound:
		return 5
	case Conflict, Stale:
		return 6
	case Limited, Unavailable, InDoubt:
		return 7
	default:
		return 1
	}
}
