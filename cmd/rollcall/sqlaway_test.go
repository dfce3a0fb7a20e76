package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckOfADatabaseThatIsAway checks flows out of and into a database that does not
// answer: that is a doubt, and nobody can say that it lacks a column.
func TestCheckOfADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"roster.csv": "employee_no,name,badge\n1,张三,B1\n",
		"rule.js":    "if (context.data.employee_no === \"7\") { context.reason = context.data.name }\nreturn context;\n",
		"rollcall.yaml": fmt.Sprintf(`data: data
systems:
  hr: {type: file, path: roster.csv, id: employee_no, contents: full}
  app:
    type: sql
    contents: full
    url: postgres://u:canary-pw@127.0.0.1:%s/db
    users:
      id: login
      read: SELECT login, name, employee_no, badge FROM people
      create: INSERT INTO people (login, name) VALUES (:login, :name)
      update: UPDATE people SET name = :name WHERE login = :login
      delete: DELETE FROM people WHERE login = :id
flows:
  out: {from: app, to: hr, users: {match: [employee_no], map: {employee_no: employee_no, name: name}, rule: rule.js}, leavers: {first: delete}}
  in: {from: hr, to: app, users: {match: [badge], map: {login: employee_no, name: name}}, leavers: {first: delete}}
`, freePort(t)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, out, told := typedLine(t, "en_US.UTF-8", "config", "check", filepath.Join(dir, "rollcall.yaml"))
	var said []string
	for line := range strings.Lines(told) {
		if !strings.HasPrefix(line, "{") && !strings.Contains(line, ": warning: ") { // the log, and who may vote
			said = append(said, strings.TrimSpace(line))
		}
	}
	if len(said) != 1 || !strings.HasPrefix(said[0], "! systems.app: ") || !strings.Contains(said[0], "cannot be reached") {
		t.Errorf("it says %q, %q", said, out)
	}
}
