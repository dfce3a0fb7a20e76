package ldapdir_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// The accounts of the servers that the tests start.
const (
	suffix     = "dc=test"
	rootDN     = "cn=root,dc=test"
	rootPW     = "root-password"
	configDN   = "cn=config"
	configPW   = "config-password"
	syncDN     = "cn=sync,dc=test"
	syncPW     = "sync-password-1"
	otherDN    = "cn=limited,dc=test"
	schemaDir  = "/etc/ldap/schema"
	slapdPath  = "/usr/sbin/slapd"
	modulePath = "/usr/lib/ldap"
)

// slapd is a running OpenLDAP server with a database of its own.
type slapd struct {
	addr string
	dir  string
	cmd  *exec.Cmd
	mu   sync.Mutex
	root *ldap.Conn
}

// slapdOptions change a server.
type slapdOptions struct {
	overlay string // lines after the database
	schema  string // further lines of schema
	limits  string // instead of the usual ones
	tls     string // lines of TLS
}

// startSlapd starts a server for a test, or skips it loudly where there is none.
func startSlapd(t *testing.T, o slapdOptions) *slapd {
	t.Helper()
	s, err := openSlapd(t.TempDir(), o)
	if err != nil {
		if _, missing := os.Stat(slapdPath); missing != nil {
			t.Skip("NOT RUN: no slapd here: apt-get install slapd")
		}
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

func openSlapd(dir string, o slapdOptions) (*slapd, error) {
	if _, err := os.Stat(slapdPath); err != nil {
		return nil, err
	}
	limits := o.limits
	if limits == "" {
		limits = fmt.Sprintf("limits dn.exact=%q size=unlimited time=unlimited\n", syncDN)
	}
	conf := "include " + schemaDir + "/core.schema\ninclude " + schemaDir + "/cosine.schema\ninclude " + schemaDir + "/inetorgperson.schema\n" + o.schema +
		"modulepath " + modulePath + "\nmoduleload back_mdb\nmoduleload syncprov\n" + o.tls +
		"pidfile " + dir + "/pid\n" +
		"database config\nrootdn " + configDN + "\nrootpw " + configPW + "\n" +
		"database mdb\nsuffix " + suffix + "\nrootdn " + rootDN + "\nrootpw " + rootPW + "\ndirectory " + dir + "/data\nmaxsize 1073741824\ndbnosync\n" +
		"index entryUUID,entryCSN,objectClass eq\n" + limits +
		"access to attrs=userPassword by anonymous auth by * none\n" +
		fmt.Sprintf("access to * by dn.exact=%q manage by dn.exact=%q read by * none\n", syncDN, otherDN) + o.overlay
	for _, d := range []string{"data", "config"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "slapd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	s := &slapd{dir: dir}
	var last error
	for range 3 { // somebody else may take the port before the server does
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		s.addr = listener.Addr().String()
		_ = listener.Close()
		if last = s.start(); last == nil {
			return s, nil
		}
	}
	return nil, last
}

// start runs the server on its address and waits until it answers.
func (s *slapd) start() error {
	var out bytes.Buffer
	// The configuration is turned into a folder, so that tests can change it while
	// the server runs.
	s.cmd = exec.Command(slapdPath, "-f", filepath.Join(s.dir, "slapd.conf"), "-F", filepath.Join(s.dir, "config"), "-h", "ldap://"+s.addr+"/", "-d", "0")
	if _, err := os.Stat(filepath.Join(s.dir, "config", "cn=config.ldif")); err == nil {
		s.cmd = exec.Command(slapdPath, "-F", filepath.Join(s.dir, "config"), "-h", "ldap://"+s.addr+"/", "-d", "0")
	}
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- s.cmd.Wait() }()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-gone:
			return fmt.Errorf("slapd ended: %w: %s", err, out.String())
		case <-deadline:
			return fmt.Errorf("slapd does not answer: %s", out.String())
		case <-tick.C:
		}
		conn, err := ldap.DialURL("ldap://" + s.addr)
		if err != nil {
			continue
		}
		if err := conn.Bind(rootDN, rootPW); err != nil {
			_ = conn.Close()
			return err
		}
		s.root = conn
		return s.seed()
	}
}

// seed makes the top entry and the accounts, unless they are there.
func (s *slapd) seed() error {
	if err := s.add(suffix, "objectClass", "dcObject", "objectClass", "organization", "dc", "test", "o", "test"); err != nil {
		if ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
			return nil
		}
		return err
	}
	for _, dn := range []string{syncDN, otherDN} {
		cn, _, _ := strings.Cut(strings.TrimPrefix(dn, "cn="), ",")
		if err := s.add(dn, "objectClass", "organizationalRole", "objectClass", "simpleSecurityObject", "cn", cn, "userPassword", syncPW); err != nil {
			return err
		}
	}
	return nil
}

// add makes an entry from pairs of attribute and value.
func (s *slapd) add(dn string, pairs ...string) error {
	r := ldap.NewAddRequest(dn, nil)
	values := map[string][]string{}
	var order []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if _, ok := values[pairs[i]]; !ok {
			order = append(order, pairs[i])
		}
		values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
	}
	for _, a := range order {
		r.Attribute(a, values[a])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root.Add(r)
}

// get reads an entry, operational attributes too.
func (s *slapd) get(dn string) (*ldap.Entry, bool) {
	return s.find(dn, ldap.ScopeBaseObject, "(objectClass=*)")
}

// find searches for one entry.
func (s *slapd) find(base string, scope int, filter string) (*ldap.Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.root.Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"*", "+"}, nil))
	if err != nil || len(answer.Entries) != 1 {
		return nil, false
	}
	return answer.Entries[0], true
}

// modify replaces an attribute.
func (s *slapd) modify(dn, attribute string, values ...string) error {
	r := ldap.NewModifyRequest(dn, nil)
	r.Replace(attribute, values)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root.Modify(r)
}

func (s *slapd) remove(dn string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root.Del(ldap.NewDelRequest(dn, nil))
}

// access puts a rule before the others.
func (s *slapd) access(rule string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, err := ldap.DialURL("ldap://" + s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Bind(configDN, configPW); err != nil {
		return err
	}
	r := ldap.NewModifyRequest("olcDatabase={1}mdb,cn=config", nil)
	r.Add("olcAccess", []string{"{0}" + rule})
	return conn.Modify(r)
}

// stop ends the server; start brings it back with its data.
func (s *slapd) stop() {
	if s.root != nil {
		_ = s.root.Close()
	}
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
	}
}

// move moves an entry.
func (s *slapd) move(dn, own, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.root.ModifyDN(ldap.NewModifyDNRequest(dn, own, true, to))
}
