package ldapdir

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// ownCodes is where the library's own result codes begin: those of the client.
const ownCodes = 200

// code gives the server's result code in an error, 0 for none.
func code(err error) uint16 {
	if e, ok := errors.AsType[*ldap.Error](err); ok && e.ResultCode < ownCodes || ok && e.ResultCode == codeRefreshRequired {
		return e.ResultCode
	}
	return 0
}

// broken tells whether a connection is of no use any more after an error.
func broken(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*ldap.Error](err)
	return ok && (e.ResultCode >= ownCodes && e.ResultCode != codeRefreshRequired || e.ResultCode == codeUnavailable || e.ResultCode == codeBusy)
}

// refusal is the fault of an answer other than success, or of none. A write
// whose answer never came is in doubt.
func (c *Connector) refusal(ctx context.Context, err error, write bool) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	number := code(err)
	if number == 0 {
		if cause := context.Cause(ctx); cause != nil {
			err = errors.Join(cause, err)
		}
		if write {
			return fault.Wrap(fault.InDoubt, err, "the directory did not answer: the change may or may not have happened / 目录服务器没有应答，变更是否生效尚不确定")
		}
		return fault.Wrap(fault.Unavailable, err, "the directory does not answer / 目录服务器没有应答")
	}
	text := c.clip(err)
	m := meaningOf(number, text, write)
	return &fault.Error{Kind: m.kind, Code: strconv.Itoa(int(number)), Say: m.en + " / " + m.zh, Err: withText(err, text)}
}

// withText keeps the library's error for code and replaces its words.
func withText(err error, text string) error {
	e, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return err
	}
	return &ldap.Error{ResultCode: e.ResultCode, Err: errors.New(text)}
}

// clip gives the server's own words for the log: short and without the password.
func (c *Connector) clip(err error) string {
	e, ok := errors.AsType[*ldap.Error](err)
	if !ok || e.Err == nil {
		return ""
	}
	text := strings.ToValidUTF8(strings.ReplaceAll(e.Err.Error(), c.o.BindPassword, "***"), "")
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// adCode finds the number in Active Directory's own words: "…, data 52e, v3839".
func adCode(text string) string {
	if m := dataCode.FindStringSubmatch(text); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

var dataCode = regexp.MustCompile(`\bdata ([0-9a-fA-F]{3,8})\b`)

// ended is the fault of a call that was not made because its time was over.
func ended(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, context.Cause(ctx), "stopped before the call was made / 操作在发出请求之前已中止")
}

// unreachable is the fault of a connection that could not be made.
func unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return fault.Wrap(fault.Unavailable, err, "the directory cannot be reached: check url, the network and the port / 无法连接目录服务器：请检查 url、网络和端口")
}

// distrusted is the fault of a TLS handshake.
func distrusted(ctx context.Context, err error) error {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, bad := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case host:
		return fault.Wrap(fault.Invalid, err, "the server's certificate is for another name: put the name that is in the certificate into url / 服务器证书的名称不符：请在 url 中填写证书上的主机名")
	case unknown, bad, strings.Contains(err.Error(), "x509"):
		return fault.Wrap(fault.Invalid, err, "the server's certificate is not trusted: put the issuing CA's certificate into ca_file / 不信任服务器证书：请把签发它的 CA 证书填入 ca_file")
	default:
		return unreachable(ctx, fmt.Errorf("TLS: %w", err))
	}
}

// startTLSFault is the fault of StartTLS. The library gives the handshake's
// error as text.
func startTLSFault(ctx context.Context, err error) error {
	if code(err) != 0 {
		return fault.Wrap(fault.Invalid, err, "the server does not do StartTLS: use ldaps://, or set up TLS there / 服务器不支持 StartTLS：请改用 ldaps://，或在服务器上配置 TLS")
	}
	if strings.Contains(err.Error(), "is valid for") || strings.Contains(err.Error(), "not valid for any names") {
		return fault.Wrap(fault.Invalid, err, "the server's certificate is for another name: put the name that is in the certificate into url / 服务器证书的名称不符：请在 url 中填写证书上的主机名")
	}
	return distrusted(ctx, err)
}
