package rosterfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestWithoutHardLinks: the first write where the disk has none. A file that came
// meanwhile stays.
func TestWithoutHardLinks(t *testing.T) {
	t.Parallel()
	for _, no := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, errors.ErrUnsupported} {
		s, conn := newShelf(t, "new.csv", func(o *Options) { o.Target = true })
		s.fails[stepLink] = no
		apply(t, conn, create("1", text("name", "张三")))
		if !strings.Contains(s.data(), "张三") {
			t.Errorf("%v: the file is %q", no, s.data())
		}
		s, conn = newShelf(t, "new.csv", func(o *Options) { o.Target = true })
		s.fails[stepLink] = no
		s.onStep = func(at step) {
			if at == stepLink {
				s.put("工号\n9\n")
			}
		}
		_, err := conn.Apply(t.Context(), create("1", text("name", "张三")))
		wantFault(t, err, fault.Unavailable, "appeared just now")
		if s.data() != "工号\n9\n" {
			t.Errorf("%v: the other's file is now %q", no, s.data())
		}
	}
	s, conn := newShelf(t, "new.csv", func(o *Options) { o.Target = true })
	s.fails[stepLink] = syscall.EIO
	_, err := conn.Apply(t.Context(), create("1", text("name", "张三")))
	wantFault(t, err, fault.Unavailable, "nothing was written")
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

const writtenRoster = "工号,姓名,状态\n1,张三,\n"

// TestVanishedBetweenRuns: a target that was written once is never made anew
// without a person's word, also after a restart.
func TestVanishedBetweenRuns(t *testing.T) {
	t.Parallel()
	target := func(o *Options) { o.Target = true }
	for name, write := range map[string]func(s *shelf, c *Connector){
		"made":    func(_ *shelf, c *Connector) { apply(t, c, create("1", text("name", "张三"))) },
		"changed": func(s *shelf, c *Connector) { s.put(writtenRoster); apply(t, c, update("1", text("name", "李四"))) },
	} {
		s, conn := newShelf(t, "new.csv", target)
		write(s, conn)
		mark := filepath.Join(filepath.Dir(s.path), ".new.csv.rollcall")
		data, err := os.ReadFile(mark)
		must(t, err)
		sum := sha256.Sum256([]byte("new.csv"))
		if string(data) != hex.EncodeToString(sum[:])+"\n" {
			t.Errorf("%s: the marker holds %q", name, data)
		}
		must(t, os.Remove(s.path))

		restarted, err := New(s.options(target))
		must(t, err)
		_, err = restarted.Read(t.Context())
		wantFault(t, err, fault.Invalid, ".new.csv.rollcall")
		_, err = restarted.Lookup(t.Context(), directory.User, []directory.ID{"1"})
		wantFault(t, err, fault.Invalid, "mount")
		_, err = restarted.Apply(t.Context(), create("2", text("name", "王五")))
		wantFault(t, err, fault.Invalid, "挂载")
		if found := restarted.Examine(t.Context(), connector.Use{Target: true}); found[0].Level != connector.Refused {
			t.Errorf("%s: the doctor says %+v", name, found[0])
		}
		if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: made anew: %v", name, err)
		}

		must(t, os.Remove(mark))
		restarted, err = New(s.options(target))
		must(t, err)
		apply(t, restarted, create("2", text("name", "王五")))
		if _, err := os.Lstat(mark); err != nil {
			t.Errorf("%s: no marker for the new one: %v", name, err)
		}
	}
}

// TestMarkerBesideTheLink: a share that is not mounted takes everything on it
// along, but not what stands beside a link to it.
func TestMarkerBesideTheLink(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "new.csv", func(o *Options) { o.Target = true })
	share := t.TempDir()
	behind := filepath.Join(share, "real.csv")
	must(t, os.Symlink(behind, s.path))
	apply(t, conn, create("1", text("name", "张三")))
	if info, err := os.Lstat(s.path); err != nil || info.Mode()&fs.ModeSymlink == 0 || !strings.Contains(s.data(), "张三") {
		t.Errorf("the link: %v %v", info, err)
	}
	entries, err := os.ReadDir(share)
	must(t, err)
	for _, e := range entries {
		must(t, os.Remove(filepath.Join(share, e.Name())))
	}
	restarted, err := New(s.options(func(o *Options) { o.Target = true }))
	must(t, err)
	_, err = restarted.Apply(t.Context(), create("2", text("name", "王五")))
	wantFault(t, err, fault.Invalid, "mount the share")
}

// TestMarkerThatCannotBeWritten: the roster is what counts.
func TestMarkerThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "new.csv", func(o *Options) { o.Target = true })
	s.fails[stepMark] = fs.ErrPermission
	apply(t, conn, create("1", text("name", "张三")))
	mark := beside(s.path, markSuffix)
	if _, err := os.Lstat(mark); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the marker is there: %v", err)
	}
	apply(t, conn, create("2", text("name", "李四"))) // and tries again
	if _, err := os.Lstat(mark); err != nil {
		t.Error(err)
	}
}

// TestSourceLeavesNoMarker: what is only read gets nothing beside it.
func TestSourceLeavesNoMarker(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", nil)
	s.put(writtenRoster)
	apply(t, conn, update("1", text("name", "李四")))
	if _, err := os.Lstat(beside(s.path, markSuffix)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the marker is there: %v", err)
	}
}

// TestNumbersForAStatus: 0 is normal in one export and disabled in the next.
func TestNumbersForAStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		heading, cells, disabled string
		want                     string // of each row: + active, - disabled, ? unknown
	}{
		{"状态", "0 1 0", "", "???"},
		{"账号状态", "0 0 0", "", "???"},
		{"status", "1 1 1", "", "???"},
		{"状态", "０ １ 0", "", "???"},
		{"状态", "0 2 4", "", "???"},
		{"状态", "0 离职 1", "", "--+"},
		{"状态", "1 2 3 0 离职", "", "+++--"},
		{"状态", "是 否 是", "", "+-+"},
		{"状态", "  ", "", "+"},
		{"状态", "0 1 0", "状态=0", "-+-"},
		{"状态", "0 1 0", "状态=1/0", "+-+"},
		{"启用", "0 1 0", "", "-+-"},
		{"是否启用", "1 1 1", "", "+++"},
		{"禁用", "0 1 0", "", "+-+"},
		{"激活", "0 1 1", "", "+++"},
	} {
		var b strings.Builder
		b.WriteString("工号," + c.heading + "\n")
		for i, one := range strings.Split(c.cells, " ") {
			if c.cells == "  " && i > 0 {
				break
			}
			b.WriteString(string(rune('a'+i)) + "," + one + "\n")
		}
		s := readCSV(t, b.String(), func(o *Options) { o.Disabled = c.disabled })
		got := ""
		for i := range c.want {
			o, _ := s.Get(userKey(string(rune('a' + i))))
			switch v := o.Value(directory.AttrActive); {
			case v.Type() == directory.Unknown:
				got += "?"
				if !o.Active || !strings.Contains(v.Permission(), "disabled: "+c.heading+"=") {
					t.Errorf("%+v: active %v, %s", c, o.Active, v.Permission())
				}
			case o.Active:
				got += "+"
			default:
				got += "-"
			}
		}
		told := len(s.Health.Problems) == 1 && strings.Contains(s.Health.Problems[0].Say, "disabled: "+c.heading+"=") && len(s.Health.Hidden) == 1
		if unknown := strings.Contains(c.want, "?"); got != c.want || unknown != told || !s.Complete() {
			t.Errorf("%+v: %s, problems %v, hidden %v, %q", c, got, s.Health.Problems, s.Health.Hidden, s.Health.PartialFor)
		}
	}
}

// TestNumbersForAStatusAreSaid: the doctor tells, and a write keeps them unknown.
func TestNumbersForAStatusAreSaid(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Disabled = "" })
	s.put("工号,姓名,状态\n1,张三,0\n2,李四,1\n")
	said := false
	for _, f := range conn.Examine(t.Context(), connector.Use{Source: true}) {
		said = said || f.Level == connector.Hidden && strings.Contains(f.Say.EN, "disabled: 状态=") && strings.Contains(f.Say.ZH, "disabled: 状态=")
	}
	if !said {
		t.Error("the doctor does not tell")
	}
	apply(t, conn, update("1", text("name", "王五", "mobile", "138"))) // with a new column
	if o := lookUp(t, conn, directory.User, "1").Object; o.Value(directory.AttrActive).Type() != directory.Unknown {
		t.Errorf("active is %s after a write", o.Value(directory.AttrActive))
	}
}
