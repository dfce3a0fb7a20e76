package ldapdir

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestMeanings sees that every sentence is there in both languages, and that each
// code has the kind that it should.
func TestMeanings(t *testing.T) {
	t.Parallel()
	check := func(name string, m meaning) {
		han := strings.ContainsFunc(m.zh, func(r rune) bool { return unicode.Is(unicode.Han, r) })
		if m.en == "" || !han || strings.Contains(m.en, " / ") || strings.Contains(m.zh, " / ") {
			t.Errorf("%s: %q / %q", name, m.en, m.zh)
		}
		if m.kind == fault.Credential && !strings.Contains(m.en, ":") {
			t.Errorf("%s does not say what to change: %q", name, m.en)
		}
	}
	for number, m := range meanings {
		check(itoa(int(number)), m)
	}
	for sub, m := range bindMeanings {
		check(sub, m)
		if m.kind != fault.Credential {
			t.Errorf("%s is %s", sub, m.kind)
		}
	}
	for _, c := range []struct {
		number      uint16
		text        string
		read, write fault.Kind
	}{
		{1, "", fault.Unavailable, fault.Unavailable},
		{1, "000004DC: LdapErr: In order to perform this operation a successful bind must be completed", fault.Credential, fault.Credential},
		{3, "", fault.Unavailable, fault.InDoubt},
		{4, "", fault.Invalid, fault.Invalid},
		{8, "", fault.Credential, fault.Credential},
		{10, "", fault.Invalid, fault.Invalid},
		{11, "", fault.Invalid, fault.Invalid},
		{12, "", fault.Unsupported, fault.Unsupported},
		{16, "", fault.Invalid, fault.Invalid},
		{17, "", fault.Invalid, fault.Invalid},
		{19, "", fault.Invalid, fault.Invalid},
		{19, "0000052D: Constraint violation - check_password_restrictions", fault.Invalid, fault.Invalid},
		{19, "000021C8: AtrErr", fault.Conflict, fault.Conflict},
		{19, "some attributes not unique", fault.Conflict, fault.Conflict},
		{20, "", fault.Conflict, fault.Conflict},
		{21, "", fault.Invalid, fault.Invalid},
		{32, "", fault.NotFound, fault.NotFound},
		{34, "", fault.Invalid, fault.Invalid},
		{49, "", fault.Credential, fault.Credential},
		{50, "", fault.Credential, fault.Denied},
		{51, "", fault.Limited, fault.Limited},
		{52, "", fault.Unavailable, fault.Unavailable},
		{53, "", fault.Invalid, fault.Invalid},
		{53, "shadow context; no update referral", fault.Denied, fault.Denied},
		{66, "", fault.Conflict, fault.Conflict},
		{68, "", fault.Conflict, fault.Conflict},
		{80, "", fault.Unavailable, fault.Unavailable},
		{122, "", fault.Conflict, fault.Conflict},
		{4096, "", fault.Unavailable, fault.Unavailable},
		{77, "", fault.Invalid, fault.Invalid},
	} {
		c2 := &Connector{o: Options{BindPassword: "secret"}}
		for write, want := range map[bool]fault.Kind{false: c.read, true: c.write} {
			err := c2.refusal(t.Context(), &ldap.Error{ResultCode: c.number, Err: errors.New(c.text + " secret")}, write)
			if fault.KindOf(err) != want {
				t.Errorf("%d %q with write %v is %s, want %s", c.number, c.text, write, fault.KindOf(err), want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password shows: %v", err)
			}
			if code(err) != c.number {
				t.Errorf("%d is lost in %v", c.number, err)
			}
		}
	}
}

// TestGUID holds the byte order against the example of MS-DTYP.
func TestGUID(t *testing.T) {
	t.Parallel()
	raw, _ := hex.DecodeString("33221100554477668899aabbccddeeff")
	g, ok := objectGUID(raw)
	if !ok || g.String() != "00112233-4455-6677-8899-aabbccddeeff" {
		t.Errorf("%s", g)
	}
	if string(g.wire()) != string(raw) {
		t.Errorf("%x", g.wire())
	}
	if got := newDialect(AD, &Options{}).byID(g); got != `(|(objectGUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff))` || !compiles(got) {
		t.Error(got)
	}
	for _, s := range []string{"", "u99999", "00112233-4455-6677-8899-aabbccddeef", "0011223344556677889-9aabbccddeeff-0-0", "{0112233-4455-6677-8899-aabbccddeeff"} {
		if _, ok := parseGUID(s); ok {
			t.Errorf("%q passes", s)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"20260102030405Z": "2026-01-02T03:04:05Z", "20260102030405.123Z": "2026-01-02T03:04:05Z", "202601020304+0800": "2026-01-01T19:04:00Z",
		"2026010203Z": "2026-01-02T03:00:00Z", "20260102030405,5-02": "2026-01-02T05:04:05Z", "134066016000000000": "2025-11-03T00:00:00Z",
		"2026-01-02": "2026-01-02T00:00:00Z", "0": "", "9223372036854775807": "",
	} {
		got, there, err := parseTime(text)
		if err != nil || there != (want != "") || there && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s is %v %v %v, want %s", text, got, there, err, want)
		}
	}
	for _, text := range []string{"", "x", "20260102030405", "20261302030405Z", "2026", "20260102030405.Z", "20260102030405+", "99999999999999999999"} {
		if got, there, err := parseTime(text); err == nil && there {
			t.Errorf("%q is %v", text, got)
		}
	}
	shanghai := time.FixedZone("", 8*3600)
	for _, kind := range []string{AD, OpenLDAP} {
		for _, f := range []form{formTime, formFileTime} {
			fd := &field{form: f}
			v := directory.DateOf(time.Date(2026, 11, 1, 0, 0, 0, 0, shanghai))
			out, err := encode(fd, v, kind, shanghai)
			if err != nil || len(out) != 1 {
				t.Fatal(out, err)
			}
			if back, err := decode(fd, out, "", shanghai); err != nil || !back.Equal(v) {
				t.Errorf("%s comes back as %s: %v", v, back, err)
			}
		}
	}
}

// TestOptions sees that all mistakes are told at once.
func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := New(Options{
		URL: "https://x", BaseDN: "no dn", Dialect: "novell", UserFilter: "(", DepartmentFilter: "x=", RDN: "a b", Disabled: "x", LeftDN: "ou=x", PageSize: -1,
		Attributes: []Attribute{{Name: "departments"}, {Name: "x", Type: "dates"}},
	})
	for _, part := range []string{
		"url", "bind_dn", "bind_password", "base_dn", "dialect", "user_filter", "department_filter", "rdn", "disabled", "page_size", "clock", "attributes.departments", "attributes.x",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not named: %v", part, err)
		}
	}
	o := Options{URL: "ldaps://x", StartTLS: true, BindDN: "a", BindPassword: "b", BaseDN: "dc=a", LeftDN: "ou=x,dc=b", Now: time.Now}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "start_tls") || !strings.Contains(err.Error(), "left_dn") {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	base, err := parseName("DC=Corp, DC=Example")
	if err != nil {
		t.Fatal(err)
	}
	n, err := parseName(`CN=张\2C 三\+\#,ou=  R&D   Team ,dc=CORP,dc=example`)
	if err != nil || !n.below(base) || base.below(n) || n.below(n) {
		t.Fatalf("%+v %v", n, err)
	}
	other, err := parseName(n.dn)
	if err != nil || !other.equal(n) || other.hash() != n.hash() {
		t.Error("a name differs from itself")
	}
	up := n.parent()
	if same, err := parseName(up.dn); err != nil || !same.equal(up) {
		t.Errorf("%s %v", up.dn, err)
	}
	if got := n.with("cn", `a,b`); got != `CN=a\,b` {
		t.Error(got)
	}
	if beside, ok := besideName("CN="+strings.Repeat("长", 64), "sam"); !ok || utf8.RuneCountInString(beside) != len("CN=")+64 {
		t.Errorf("%q", beside)
	}
}

// FuzzName sees that no name breaks the parser, that a name written by us reads
// as itself, and that escaping never lets a value out of its place.
func FuzzName(f *testing.F) {
	for _, s := range []string{"张三", `a,b`, `#x`, ` x `, "a+b=c", `\`, "\x00", "𠮷<>;\"", "=", "a\\20", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseName(s); err == nil {
			if again, err := parseName(n.parent().dn); len(n.parts) > 1 && (err != nil || !again.equal(n.parent())) {
				t.Errorf("the parent of %q is %q: %v", s, n.parent().dn, err)
			}
		}
		value := clean(s)
		if value == "" {
			return
		}
		n, err := parseName(relative("ou", value) + ",dc=base")
		if err != nil || len(n.parts) != 2 || len(n.parts[0].pairs) != 1 {
			t.Fatalf("%q breaks its name: %+v %v", value, n, err)
		}
		if got, _ := n.value("ou"); got != value {
			t.Errorf("%q comes back as %q", value, got)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"20260102030405Z", "20260102030405.1+0800", "134066016000000000", "0", "2026-01-02", "00010101000000+1400", "1e5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, there, err := parseTime(s)
		if err == nil && there && (got.UTC().Year() < 1 || got.UTC().Year() > 9999) {
			t.Errorf("%q is %v", s, got)
		}
		v, err := decode(&field{form: formTime}, []string{s}, "", time.UTC)
		if err == nil && !v.IsEmpty() {
			if _, ok := v.Time(time.UTC); !ok {
				t.Errorf("%q gives the date %q", s, v)
			}
		}
	})
}

func FuzzGUID(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), "00112233-4455-6677-8899-aabbccddeeff")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if g, ok := objectGUID(raw); ok {
			if back, ok := parseGUID(g.String()); !ok || back != g || string(back.wire()) != string(raw) {
				t.Errorf("%x comes back as %x", raw, back.wire())
			}
		}
		if g, ok := parseGUID(text); ok && g.String() != strings.ToLower(text) {
			t.Errorf("%q comes back as %q", text, g)
		}
	})
}

func FuzzRange(f *testing.F) {
	f.Add("member;range=0-1499", "member")
	f.Add("member;range=1500-*", "MEMBER")
	f.Fuzz(func(t *testing.T, option, attribute string) {
		e := &ldap.Entry{Attributes: []*ldap.EntryAttribute{{Name: option, Values: []string{"x"}}}}
		values, next, ok := rangeOf(e, attribute)
		if ok && (len(values) != 1 || next < -1 || next == 0) {
			t.Errorf("%q gives %v %d", option, values, next)
		}
	})
}
