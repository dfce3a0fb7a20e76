package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxPEM bounds the files of TLS, in bytes.
const maxPEM = 1 << 20

// secured makes the settings of TLS. The files are read again for each connection, so
// that those that were renewed are used without a restart.
func (t target) secured() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.serverName}
	if t.ca != "" {
		var err error
		if c.RootCAs, err = t.authorities(); err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("read ca: %w", err),
				"the certificates of the Redis URL's ca= cannot be read: %[1]s must be a PEM file / Redis 网址里 ca= 的证书读不了：%[1]s 应当是 PEM 文件", t.ca)
		}
	}
	if t.cert != "" {
		first, err := tls.LoadX509KeyPair(t.cert, t.key)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, fmt.Errorf("read cert and key: %w", err),
				"the certificate of the Redis URL's cert= and key= cannot be used: %[1]s and %[2]s must be PEM files that belong together / Redis 网址里 cert= 和 key= 的证书不能用：%[1]s 和 %[2]s 应当是配套的 PEM 文件", t.cert, t.key)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if now, err := tls.LoadX509KeyPair(t.cert, t.key); err == nil {
				return &now, nil
			}
			return &first, nil // the files are being replaced
		}
	}
	return c, nil
}

// authorities reads who signs the servers' certificates.
func (t target) authorities() (*x509.CertPool, error) {
	pem, err := readSome(t.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in it")
	}
	return pool, nil
}

// dialer makes the connections, those to Sentinels and to the nodes of a Cluster, too.
// While the file of the authorities cannot be read those of the start hold.
func (t target) dialer(secured *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: callWait}
	if secured == nil {
		return plain.DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c := secured
		if t.ca != "" {
			if now, err := t.authorities(); err == nil {
				c = secured.Clone()
				c.RootCAs = now
			}
		}
		return (&tls.Dialer{NetDialer: plain, Config: c}).DialContext(ctx, network, address) // whose time is that of plain, handshake and all
	}
}

// readSome reads a file that is not too large.
func readSome(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM))
	return data, errors.Join(err, f.Close())
}
