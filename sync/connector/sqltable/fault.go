package sqltable

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// sqliteError is what an error of SQLite's driver tells.
type sqliteError interface {
	error
	Code() int
}

// fail makes the fault of an error of the driver. where is a statement's name or
// what was being done. The driver's own text goes no further unless it cannot
// hold a value of a person, or the password.
func (c *Connector) fail(where string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	m, known := meaningOf(err)
	if !known {
		m = stranger(err)
	}
	en, zh := m.en, m.zh
	if name := culprit(err); name != "" && m.names {
		en, zh = en+" ("+name+")", zh+"（"+name+"）"
	}
	if m.quotes {
		en, zh = en+": "+clip(words(err)), zh+"："+clip(words(err))
	}
	return &fault.Error{
		Kind: m.kind, Code: codeOf(err), Say: fmt.Sprintf("%s, %s: %s / %s，%s：%s", c.o.System, where, en, c.o.System, where, zh),
		Err: safe(where, err),
	}
}

// safe gives the part of an error that may stand in a log.
func safe(where string, err error) error {
	what := "driver"
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", where, context.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", where, context.Canceled)
	case codeOf(err) != "":
		what = "code " + codeOf(err)
	default:
		if e, ok := errors.AsType[*net.OpError](err); ok {
			what = e.Error()
		} else if lost(err) {
			what = "connection lost"
		}
	}
	return fmt.Errorf("%s: %s", where, what)
}

// codeOf gives the database's own code, or "".
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return strconv.Itoa(int(e.Number))
	}
	if e, ok := errors.AsType[sqliteError](err); ok {
		return strconv.Itoa(e.Code())
	}
	return ""
}

// words gives the database's own text, without its decoration.
func words(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[sqliteError](err); ok {
		return e.Error()
	}
	return ""
}

// The places where MySQL and SQLite name a column or a constraint. What else
// their texts quote may be a value.
var (
	mysqlNames = []*regexp.Regexp{
		regexp.MustCompile("for key '([^']{1,100})'$"),
		regexp.MustCompile("for column (?:`[^`]*`\\.`[^`]*`\\.)?['`]([^'`]{1,100})['`](?: at row \\d+)?$"),
		regexp.MustCompile("^(?:Column|Field) '([^']{1,100})' (?:cannot be null|doesn't have a default value)"),
		regexp.MustCompile("CONSTRAINT `([^`]{1,100})`"),
		regexp.MustCompile("^Check constraint '([^']{1,100})'"),
	}
	sqliteName = regexp.MustCompile(`constraint failed: (?:[A-Z ]+ constraint failed: )?([^():']{1,100}?)(?: \(\d+\))?$`)
)

// culprit names the column or the constraint that an error is about, or is "".
func culprit(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if e.ColumnName != "" {
			return clip(e.ColumnName)
		}
		return clip(e.ConstraintName)
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		for _, r := range mysqlNames {
			if m := r.FindStringSubmatch(e.Message); m != nil {
				return clip(m[1])
			}
		}
		return ""
	}
	if e, ok := errors.AsType[sqliteError](err); ok && e.Code()&0xff == sqliteConstraint {
		if m := sqliteName.FindStringSubmatch(e.Error()); m != nil && !strings.HasSuffix(m[1], "constraint failed") {
			return clip(m[1])
		}
	}
	return ""
}

// lost tells whether the connection is gone, or was never there.
func lost(err error) bool {
	switch codeOf(err) {
	case "":
	case "57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006", "08007", "1053", "1152", "1927":
		return true
	default:
		return false // the server answered
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return slices.ContainsFunc([]error{
		driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	}, func(known error) bool { return errors.Is(err, known) })
}

// stranger judges an error without a code that the table knows.
func stranger(err error) meaning {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case unknown || name || invalid || verify:
		return meaning{kind: fault.Credential, en: "the server's certificate is not trusted: correct the name in url, or give the certificate authority there", zh: "服务器证书不可信：请改正 url 里的主机名，或在其中指定证书颁发机构"}
	case errors.Is(err, mysql.ErrNoTLS):
		return meaning{kind: fault.Credential, en: "the server does not encrypt, and url wants it to: set up TLS on the server", zh: "url 要求加密，而服务器没有启用 TLS：请在服务器上配置 TLS"}
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return meaning{kind: fault.Unavailable, en: "the time was over before the database answered", zh: "数据库应答之前时间已到"}
	case lost(err):
		return meaning{kind: fault.Unavailable, en: "the database cannot be reached, or the connection broke: look at server and network", zh: "连接不上数据库，或连接中断：请检查服务器和网络"}
	default:
		return meaning{kind: fault.Unavailable, en: "the database's answer is not understood", zh: "看不懂数据库的应答"}
	}
}

// refusedCommit tells whether an error of COMMIT says that nothing was committed.
// Whatever else an error says there, it leaves that open.
func refusedCommit(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := e.Code[:min(2, len(e.Code))]
		return class == "23" || class == "40" && e.Code != "40003" || e.Code == "25P02"
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number == 1180 || e.Number == 1213 || e.Number == 3101
	}
	if e, ok := errors.AsType[sqliteError](err); ok {
		code := e.Code() & 0xff
		return code == sqliteBusy || code == sqliteConstraint || code == sqliteFull
	}
	return false
}
