package configs

import (
	"strings"
	"testing"
)

// TestDatabases checks the section of a database: what is said, and that the
// password is not.
func TestDatabases(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ url, more, want string }{
		{"postgres://u:s3cret@127.0.0.1/hr", "", ""},
		{"mysql://u:s3cret@localhost:3306/hr", "", ""},
		{"mariadb://u:s3cret@db/hr?tls=true", "", ""},
		{"postgres://u:s3cret@db/hr?sslmode=verify-full", "", ""},
		{"postgres://u:s3cret@db/hr?sslmode=require&sslrootcert=ca.pem", "", ""},
		{"postgres://u:s3cret@db/hr?sslmode=verify-ca", "", "not verified to be encrypted"},
		{"sqlite:hr.db", "", ""},
		{"postgres://u:s3cret@db/hr", "", "not verified to be encrypted"},
		{"mysql://u:s3cret@db/hr?tls=skip-verify", "", "not verified to be encrypted"},
		{"oracle://u:s3cret@db/hr", "", "must begin with postgres://"},
		{"mysql://u:s3cret@db", "", "must be mysql://USER:PASSWORD@HOST/DATABASE"},
		{"postgres://u:s3cret%zz@db/hr", "", "special characters"},
		{"sqlite:hr.db", "    departments: {id: id, read: SELECT 1, disable: x}\n", "neither disabled nor enabled"},
		{"sqlite:hr.db", "    departments: {id: id, read: SELECT 1, delete: x}\n", ""},
	} {
		text := "systems:\n  hr:\n    type: sql\n    url: ${DB}\n    contents: full\n    users: {id: id, read: SELECT 1}\n" + one.more
		w := world{env: map[string]string{"DB": one.url}, files: map[string]string{"/etc/rollcall.yaml": text}}
		cfg, err := Load(w.options("/etc/rollcall.yaml"))
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			for _, m := range cfg.Warnings {
				said += m.Path + ": " + m.Say.EN + "\n"
			}
		}
		if strings.Contains(said, "s3cret") {
			t.Errorf("%s: the password shows: %s", one.url, said)
		}
		if one.want == "" && strings.Contains(said, "systems.hr") || !strings.Contains(said, one.want) {
			t.Errorf("%s %s: %q is not said: %s", one.url, one.more, one.want, said)
		}
	}
}

func TestDatabaseColumns(t *testing.T) {
	t.Parallel()
	text := "systems:\n  hr:\n    type: sql\n    url: ${DB}\n    contents: full\n    users: {id: id, read: SELECT 1, disable: x, attributes: {a: {type: departments}, b: {}, c: {column: d, type: date}}}\n"
	w := world{env: map[string]string{"DB": "sqlite:x.db"}, files: map[string]string{"/etc/rollcall.yaml": text}}
	_, err := Load(w.options("/etc/rollcall.yaml"))
	if err == nil || !strings.Contains(err.Error(), "systems.hr.users.attributes.a.type: there is no table of departments") || !strings.Contains(err.Error(), "there is no enable") {
		t.Errorf("%v", err)
	}
	text = strings.Replace(text, "type: departments", "type: text", 1)
	w.files["/etc/rollcall.yaml"] = text
	cfg, err := Load(w.options("/etc/rollcall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sys, _ := cfg.System("hr")
	if a := sys.SQL.Users.Attributes; len(a) != 3 || a[1].Column != "b" || a[1].Type != "" || a[2].Column != "d" || a[2].Type != "date" {
		t.Errorf("%+v", a)
	}
}
