package configs

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxSecret is the largest file behind a file: reference, in bytes.
const maxSecret = 64 << 10

// offline stands for what Options.Offline does without.
const offline = "offline"

// The forms of a reference.
var (
	reference    = regexp.MustCompile(`\$\{([^}]*)\}`)
	variable     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	bareVariable = regexp.MustCompile(`^\$[A-Z_][A-Z0-9_]*$`)
)

var _ decodable = (*Secret)(nil)

// decode reads a secret: ${ENV}, file:/path, or the secret itself with a
// warning. What it holds is never put into a mistake.
func (s *Secret) decode(d *decoder, n ast.Node, at spot) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	switch {
	case strings.HasPrefix(text, "file:"), strings.Contains(text, "${"):
		text, ok = d.resolve(text, at)
	case bareVariable.MatchString(text):
		d.bad(at, say("环境变量要写成 ${%s}", "write a variable of the environment as ${%s}", text[1:]))
		return
	case text != "" && !loopbackURL(text):
		d.odd(at, say("密钥直接写在了文件里；请改用 ${环境变量} 或 file:/路径", "a secret stands in the file itself; use ${ENV} or file:/path instead"))
	}
	if ok {
		*s = NewSecret(text)
	}
}

// resolve gives what stands in the file of file:/path, or the text with the variables
// of its ${ENV} references.
func (d *decoder) resolve(written string, at spot) (string, bool) {
	if path, is := strings.CutPrefix(written, "file:"); is {
		return d.secretFile(path, at)
	}
	return d.expand(written, at)
}

// expand puts in the variables of ${ENV} references.
func (d *decoder) expand(text string, at spot) (string, bool) {
	ok := true
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		if !variable.MatchString(name) {
			ok = false
			d.bad(at, say("%s 不是环境变量的名字；请写成 ${NAME}", "%s is not the name of a variable; write ${NAME}", short(name)))
			return ""
		}
		value, set := "", false
		if d.opts.Getenv != nil {
			value, set = d.opts.Getenv(name)
		}
		if !set && d.opts.Offline {
			d.unset[at.path] = true
			return offline
		}
		if !set {
			ok = false
			d.bad(at, say("环境变量 %s 没有设置；请在启动前设置它", "the variable %s is not set in the environment; set it before the start", name))
		}
		return value
	})
	if ok && strings.Contains(reference.ReplaceAllString(text, ""), "${") {
		ok = false
		d.bad(at, say("'${' 没有对应的 '}'", "a '${' has no '}'"))
	}
	return out, ok
}

// secretFile reads the file of a file: reference. One line break at its end
// is not part of the secret.
func (d *decoder) secretFile(path string, at spot) (string, bool) {
	full := resolve(d.opts.Path, path)
	if path == "" || d.opts.ReadFile == nil {
		d.bad(at, say("file: 后面要写文件的路径", "file: needs the path of a file behind it"))
		return "", false
	}
	if d.opts.Stat != nil {
		info, err := d.opts.Stat(full)
		switch {
		case err == nil && info.IsDir():
			d.bad(at, say("%s 是文件夹，不是文件", "%s is a folder, not a file", short(path)))
			return "", false
		case err == nil && info.Size() > maxSecret:
			d.bad(at, say("%s 超过 64 KiB；这不像是密钥", "%s is larger than 64 KiB; this does not look like a secret", short(path)))
			return "", false
		case err == nil && info.Mode().Perm()&0o077 != 0:
			d.odd(at, say("%s 别人也能读（权限 %04o）；请执行 chmod 600", "others can read %s (mode %04o); run chmod 600 on it", short(path), info.Mode().Perm()))
		}
	}
	data, err := d.opts.ReadFile(full)
	if err != nil && d.opts.Offline {
		d.unset[at.path] = true
		return offline, true
	}
	if err != nil {
		d.bad(at, fileProblem(path, err))
		return "", false
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" || len(text) > maxSecret {
		d.bad(at, say("%s 是空的或者太大；里面应该只有密钥", "%s is empty or too large; it should hold the secret and nothing else", short(path)))
		return "", false
	}
	return text, true
}

// fileOf gives the full path of the file of file:/path, "" for any other text.
func (d *decoder) fileOf(written string) string {
	path, is := strings.CutPrefix(written, "file:")
	if !is {
		return ""
	}
	return resolve(d.opts.Path, path)
}

// fileProblem says why a file cannot be read.
func fileProblem(path string, err error) Text {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say("找不到文件 %s；相对路径从配置文件所在的文件夹算起", "there is no file %s; a relative path starts at the folder of the configuration", short(path))
	case errors.Is(err, fs.ErrPermission):
		return say("没有权限读文件 %s", "there is no permission to read the file %s", short(path))
	default:
		return say("文件 %s 读不了", "the file %s cannot be read", short(path))
	}
}

// loopbackURL tells whether text is a URL of this machine.
func loopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && loopback(u.Hostname())
}

// loopback tells whether host is this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// endpoint checks a base URL: https, or http on this machine, and nothing but
// host and path. The value is never repeated, since a reference may be in it.
func endpoint(text string) (Text, bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return say("不是完整的网址；要以 https:// 开头", "is not a full URL; it must begin with https://"), false
	case u.User != nil:
		return say("网址里不能有用户名和密码", "a URL here must not hold a user name or password"), false
	case u.RawQuery != "" || u.Fragment != "":
		return say("网址里不能有 '?' 和 '#'", "a URL here must not hold '?' or '#'"), false
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return say("只有本机地址可以用 http；请改成 https，否则密钥会明文传输", "http is for this machine only; use https, or secrets travel in the clear"), false
	}
	return Text{}, true
}
