package queue

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// login is who we are to the Redis servers: as the URL says, or as the file says now that
// holds the URL. It is safe for concurrent use.
type login struct {
	at   target // of the start
	file string // "" = none

	mu             sync.Mutex
	user, password string // the newest that could be read
}

func newLogin(t target, file string) *login {
	return &login{at: t, file: file, user: t.user, password: t.password}
}

// now gives user and password for a connection; the driver asks for each. What was read
// last holds while the file cannot be read, or names another Redis than at the start:
// that one must not see a password that is not its own.
func (l *login) now(context.Context) (user, password string, err error) {
	read, is := l.read()
	l.mu.Lock()
	defer l.mu.Unlock()
	if is {
		l.user, l.password = read.user, read.password
	}
	return l.user, l.password, nil
}

// read reads the file.
func (l *login) read() (target, bool) {
	if l.file == "" {
		return target{}, false
	}
	raw, err := readSome(l.file)
	if err != nil {
		return target{}, false
	}
	t, err := parse(strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"))
	return t, err == nil && t.mode == l.at.mode && t.tls == l.at.tls && slices.Equal(t.hosts, l.at.hosts) && t.master == l.at.master && t.db == l.at.db
}

// newest gives the password that was read last.
func (l *login) newest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.password
}
