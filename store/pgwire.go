package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// pgSilence is how long a server may say nothing while it is waited for: longer than it
// may work on one statement. A machine that is gone, or a server that stands still,
// closes no connection, and the system would wait for a quarter of an hour.
const pgSilence = 70 * time.Second

// dialPostgres gives connections on which silence is an error.
func dialPostgres(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: pgConnect}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &impatient{Conn: c, silence: pgSilence}, nil
}

// impatient is a connection whose reads end after a time of silence, whatever else
// bounds them.
type impatient struct {
	net.Conn
	silence time.Duration
	open    atomic.Bool // the server has taken us

	mu    sync.Mutex
	until time.Time // what the user of the connection set; zero: nothing
}

// Read waits for the silence at most.
func (c *impatient) Read(b []byte) (int, error) {
	c.mu.Lock()
	err := c.bound()
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write sends. A server that does not trust our certificate says so and hangs up, often
// before we have sent what comes next: until it has taken us, the read after a write to
// a connection that is gone gives its last words.
func (c *impatient) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if !c.open.Load() && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return len(b), nil
	}
	return n, err
}

// taken notes that the server has taken us.
func taken(_ context.Context, c *pgconn.PgConn) error {
	conn := c.Conn()
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	if own, ok := conn.(*impatient); ok {
		own.open.Store(true)
	}
	return nil
}

// SetDeadline bounds reads and writes, reads never for longer than the silence.
func (c *impatient) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, never for longer than the silence.
func (c *impatient) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.bound()
}

// bound sets what ends a read. The caller holds mu, so that no read prolongs what was
// cut short meanwhile.
func (c *impatient) bound() error {
	end := time.Now().Add(c.silence) //nolint:forbidigo // the deadline of a socket is of the machine's clock
	if !c.until.IsZero() && c.until.Before(end) {
		end = c.until
	}
	return c.Conn.SetReadDeadline(end)
}

// brokenAddress says what is wrong with the address of PostgreSQL. The driver's own
// words may show it, with its password: of them only the name of a file is told.
func brokenAddress(err error) error {
	parse, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if !ok {
		return errAddress()
	}
	cause := errors.Unwrap(parse)
	if file, ok := errors.AsType[*fs.PathError](cause); ok {
		return fault.New(fault.Invalid, "the file %[1]s that the address of PostgreSQL names cannot be read: %[2]v / PostgreSQL 地址里写的文件 %[1]s 读不了：%[2]v", file.Path, file.Err)
	}
	switch text := errorText(cause); {
	case strings.Contains(text, "CA to cert pool"):
		return fault.New(fault.Invalid, "sslrootcert of PostgreSQL's address is no certificate in PEM / PostgreSQL 地址里的 sslrootcert 不是 PEM 格式的证书")
	case strings.Contains(text, `"sslcert" and "sslkey"`):
		return fault.New(fault.Invalid, "sslcert and sslkey of PostgreSQL's address belong together: write both / PostgreSQL 地址里的 sslcert 和 sslkey 要一起写")
	case strings.Contains(text, "sslkey"), strings.Contains(text, "tls:"), strings.Contains(text, "cert"), strings.Contains(text, "x509"):
		return fault.New(fault.Invalid, "sslcert and sslkey of PostgreSQL's address are not a certificate and its key, in PEM / PostgreSQL 地址里的 sslcert 和 sslkey 不是一对 PEM 格式的证书和私钥")
	default:
		return errAddress()
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func errAddress() error {
	return fault.New(fault.Invalid, "the address of PostgreSQL is broken: write postgres://user:password@host:5432/database / PostgreSQL 的地址有误：请写 postgres://用户:密码@主机:5432/数据库")
}

// distrust tells why server and client do not trust each other's certificates, for the
// operator; "" when that is not what went wrong.
func distrust(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
	)
	switch {
	case errors.As(err, &authority):
		return "PostgreSQL shows a certificate that the CA of sslrootcert did not sign: set the right CA, and see who answers there / PostgreSQL 出示的证书不是 sslrootcert 里的 CA 签发的：请换成正确的 CA，并查清对面是谁"
	case errors.As(err, &name):
		return "PostgreSQL shows a certificate for another host: use the name that stands in it / PostgreSQL 的证书属于别的主机名：请使用证书里的名字"
	case errors.As(err, &invalid):
		return "the certificate of PostgreSQL is not valid, it may have expired: renew it / PostgreSQL 的证书无效，可能已过期：请更换"
	case alerted(err):
		return "PostgreSQL does not accept our certificate: set sslcert and sslkey that its CA signed / PostgreSQL 不接受我们的证书：请设置由它的 CA 签发的 sslcert 和 sslkey"
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && e.Code == "28000" && strings.Contains(e.Message, "certificate"):
		return "PostgreSQL wants a certificate from us: add sslcert and sslkey to its address / PostgreSQL 要求我们出示证书：请在地址里加上 sslcert 和 sslkey"
	case ok, !postgresGone(err):
		return ""
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return "PostgreSQL speaks no TLS, and its address demands it: turn ssl on there / 地址要求 TLS，但 PostgreSQL 没有启用：请在服务器上打开 ssl"
	}
	return ""
}

// alerted tells whether the server ended the TLS handshake.
func alerted(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "remote error" // see crypto/tls
}
