package sqltable

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/fault"
)

type liteError struct {
	code int
	text string
}

func (e *liteError) Error() string { return e.text }
func (e *liteError) Code() int     { return e.code }

// speaks checks that a fault says what is the matter in both languages.
func speaks(t *testing.T, err error) {
	t.Helper()
	say := fault.Say(err)
	en, zh := fault.In(say, "en"), fault.In(say, "zh")
	if en == zh || strings.ContainsFunc(en, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || !strings.ContainsFunc(zh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Errorf("not in both languages: %q | %q", en, zh)
	}
}

// TestEveryCode goes over all codes that the tables know.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	c := &Connector{o: Options{System: "hr"}}
	check := func(err error, code string, want fault.Kind) {
		t.Helper()
		got := c.fail("users.update", err)
		if f, _ := errors.AsType[*fault.Error](got); f.Kind != want || f.Code != code {
			t.Errorf("%s is %s [%s], want %s", code, f.Kind, f.Code, want)
		}
		speaks(t, got)
		if strings.Contains(got.Error(), "s3cret") {
			t.Errorf("%s: %v", code, got)
		}
	}
	for state, m := range states {
		check(&pgconn.PgError{Code: state, Message: "words"}, state, m.kind)
	}
	for class, m := range stateClasses {
		check(&pgconn.PgError{Code: class + "ZZZ"}, class+"ZZZ", m.kind)
	}
	for number, m := range mysqlCodes {
		check(&mysql.MySQLError{Number: number, Message: "words"}, fmt.Sprint(number), m.kind)
	}
	check(&mysql.MySQLError{Number: 60000}, "60000", fault.Invalid)
	check(&mysql.MySQLError{Number: 60001, SQLState: [5]byte{'4', '0', '0', '0', '1'}}, "60001", fault.Limited)
	for code, m := range sqliteCodes {
		check(&liteError{code, "words"}, fmt.Sprint(code), m.kind)
	}
	check(&liteError{19 | 77<<8, "x"}, fmt.Sprint(19|77<<8), fault.Invalid)
}

// TestWantedKinds holds the tables against what the engine needs of the codes that
// matter most.
func TestWantedKinds(t *testing.T) {
	t.Parallel()
	c := &Connector{o: Options{System: "hr"}}
	for _, one := range []struct {
		err  error
		want fault.Kind
	}{
		{&pgconn.PgError{Code: "23505"}, fault.Conflict},
		{&mysql.MySQLError{Number: 1062}, fault.Conflict},
		{&liteError{2067, ""}, fault.Conflict},
		{&liteError{1555, ""}, fault.Conflict},
		{&pgconn.PgError{Code: "23503"}, fault.Conflict},
		{&mysql.MySQLError{Number: 1451}, fault.Conflict},
		{&mysql.MySQLError{Number: 1452}, fault.Invalid},
		{&liteError{787, ""}, fault.Conflict},
		{&pgconn.PgError{Code: "28P01"}, fault.Credential},
		{&mysql.MySQLError{Number: 1045}, fault.Credential},
		{&pgconn.PgError{Code: "42501"}, fault.Credential},
		{&mysql.MySQLError{Number: 1142}, fault.Credential},
		{&pgconn.PgError{Code: "40001"}, fault.Limited},
		{&pgconn.PgError{Code: "40P01"}, fault.Limited},
		{&mysql.MySQLError{Number: 1213}, fault.Limited},
		{&liteError{5, ""}, fault.Limited},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, fault.Unavailable},
		{io.EOF, fault.Unavailable},
		{driver.ErrBadConn, fault.Unavailable},
		{mysql.ErrInvalidConn, fault.Unavailable},
		{context.Canceled, fault.Unavailable},
		{context.DeadlineExceeded, fault.Unavailable},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}, fault.Credential},
		{mysql.ErrNoTLS, fault.Credential},
		{errors.New("s3cret"), fault.Unavailable},
		{&pgconn.PgError{Code: "42P01"}, fault.Invalid},
		{&mysql.MySQLError{Number: 1146}, fault.Invalid},
		{&liteError{1, ""}, fault.Invalid},
	} {
		got := c.fail("begin", fmt.Errorf("driver: %w", one.err))
		if fault.KindOf(got) != one.want || strings.Contains(got.Error(), "s3cret") {
			t.Errorf("%v is %v, want %s", one.err, got, one.want)
		}
		speaks(t, got)
	}
}

// TestCulprit checks that columns are named and values are not.
func TestCulprit(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		err  error
		want string
	}{
		{&pgconn.PgError{Code: "23502", ColumnName: "name", Message: "x"}, "name"},
		{&pgconn.PgError{Code: "23505", ConstraintName: "people_mobile_key", Detail: "Key (mobile)=(138) already exists."}, "people_mobile_key"},
		{&mysql.MySQLError{Number: 1062, Message: "Duplicate entry '13800001111' for key 'people.mobile'"}, "people.mobile"},
		{&mysql.MySQLError{Number: 1048, Message: "Column 'name' cannot be null"}, "name"},
		{&mysql.MySQLError{Number: 1364, Message: "Field 'name' doesn't have a default value"}, "name"},
		{&mysql.MySQLError{Number: 1406, Message: "Data too long for column 'title' at row 1"}, "title"},
		{&mysql.MySQLError{Number: 1366, Message: "Incorrect integer value: '13800001111' for column `hr`.`people`.`age` at row 1"}, "age"},
		{&mysql.MySQLError{Number: 4025, Message: "CONSTRAINT `people.age` failed for `hr`.`people`"}, "people.age"},
		{&mysql.MySQLError{Number: 1292, Message: "Truncated incorrect DOUBLE value: '13800001111'"}, ""},
		{&liteError{2067, "constraint failed: UNIQUE constraint failed: people.mobile (2067)"}, "people.mobile"},
		{&liteError{275, "constraint failed: CHECK constraint failed: length(name) > 1 (275)"}, ""},
		{&liteError{787, "constraint failed: FOREIGN KEY constraint failed (787)"}, ""},
		{&liteError{1, "SQL logic error: no such column: x (1)"}, ""},
	} {
		if got := culprit(one.err); got != one.want {
			t.Errorf("%v names %q, want %q", one.err, got, one.want)
		}
		c := &Connector{o: Options{System: "hr"}}
		if err := c.fail("users.update", one.err); strings.Contains(err.Error(), "138") {
			t.Errorf("a value is shown: %v", err)
		}
	}
}

// TestCommitAnswers: only an answer that says so proves that nothing happened.
func TestCommitAnswers(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		err     error
		certain bool
	}{
		{&pgconn.PgError{Code: "40001"}, true},
		{&pgconn.PgError{Code: "23503"}, true},
		{&pgconn.PgError{Code: "40003"}, false},
		{&pgconn.PgError{Code: "57P01"}, false},
		{&pgconn.PgError{Code: "08006"}, false},
		{&mysql.MySQLError{Number: 1213}, true},
		{&mysql.MySQLError{Number: 1053}, false},
		{&liteError{5, ""}, true},
		{&liteError{787, ""}, true},
		{&liteError{10, ""}, false},
		{io.EOF, false},
		{driver.ErrBadConn, false},
		{context.Canceled, false},
		{mysql.ErrInvalidConn, false},
	} {
		if got := refusedCommit(one.err); got != one.certain {
			t.Errorf("%v: certain %v", one.err, got)
		}
	}
}
