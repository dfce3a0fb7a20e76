package rosterfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

func lines(all []connector.Finding) (en, zh string) {
	marks := map[connector.Level]string{connector.Works: "+", connector.Hidden: "~", connector.Refused: "-", connector.Unverified: "?"}
	var e, z strings.Builder
	for _, f := range all {
		e.WriteString(marks[f.Level] + " " + f.Capability.EN + " | " + f.Say.EN + " | " + f.Do.EN + "\n")
		z.WriteString(marks[f.Level] + " " + f.Capability.ZH + " | " + f.Say.ZH + " | " + f.Do.ZH + "\n")
	}
	return e.String(), z.String()
}

func columns(names ...string) connector.Use {
	u := connector.Use{Source: true}
	for _, n := range names {
		u.Read = append(u.Read, connector.Named{Kind: directory.User, Name: n})
	}
	return u
}

func TestExamine(t *testing.T) {
	t.Parallel()
	const good = "工号,姓名,手机,部门\n1,张三,138,/总部/研发\n2,李四,139,/总部\n"
	for name, c := range map[string]struct {
		data  string
		shape func(*disk, *Options)
		use   connector.Use
		en    []string // in the English drawing
		zh    string   // in the Chinese one
	}{
		"good": {
			data: good, use: columns("employee_no", "name", "工号", "active"),
			en: []string{
				"+ read the file | changed 2026-03-02 08:00, UTF-8", "+ know the columns | a roster, headings in row 1", "+ columns of the mappings | all 3 are there",
				"+ whole company visible | people 2, departments 2",
			},
			zh: "+ 映射用到的列 | 3 列都在",
		},
		"gb18030, long ago": {
			data: "\xb9\xa4\xba\xc5,\xd0\xd5\xc3\xfb\n1,\xc0\xee\n", shape: func(d *disk, _ *Options) { d.mod = epoch.Add(-40 * 24 * time.Hour) }, use: columns("name"),
			en: []string{"40 days ago: is it still exported?, GB18030"}, zh: "已有 40 天没有更新",
		},
		"a column is missing": {
			data: good, use: columns("name", "hiredate"), en: []string{"- columns of the mappings | the file has no hiredate | name the column under attributes"}, zh: "文件里的列：工号、姓名、手机、部门",
		},
		"two columns mean the same": {
			data: "工号,姓名,手机,手机号\n1,张三,1,2\n", use: columns("name", "mobile"), en: []string{"- know the columns | columns 手机 and 手机号 both mean mobile", "+ columns of the mappings"}, zh: "都像 mobile",
		},
		"partial": {
			data: good, shape: func(_ *disk, o *Options) { o.Contents = Partial }, use: columns("name"), en: []string{"+ whole company visible | people 2, departments 2; a part as configured"}, zh: "不代表离职",
		},
		"a broken row": {
			data: good + "2,王五,1,/x\n", use: columns("name"), en: []string{"~ whole company visible | "}, zh: "修好有问题的行后重新导出",
		},
		"not there": {
			shape: func(d *disk, _ *Options) { d.err = fs.ErrNotExist }, use: columns("name"), en: []string{"- read the file | roster.csv is not there"}, zh: "找不到 roster.csv",
		},
		"may not be read": {
			shape: func(d *disk, _ *Options) { d.err = fs.ErrPermission }, use: columns("name"), en: []string{"- read the file | roster.csv may not be read"}, zh: "没有权限读取",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(c.data)
			o := Options{System: "hr", Path: "roster.csv", ID: "工号", Contents: Full, Open: d.open, Now: d.clock, Sleep: d.sleep}
			if c.shape != nil {
				c.shape(d, &o)
			}
			conn, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			en, zh := lines(conn.Examine(t.Context(), c.use))
			for _, want := range c.en {
				if !strings.Contains(en, want) {
					t.Errorf("%s\nlacks %q", en, want)
				}
			}
			if !strings.Contains(zh, c.zh) {
				t.Errorf("%s\nlacks %q", zh, c.zh)
			}
		})
	}
}

// TestExamineTarget tries the folder of a target, and leaves nothing there.
func TestExamineTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "out.csv"):            "+ read the file | it is not there yet: the first CREATE makes it | \n+ write the file |  | \n",
		filepath.Join(dir, "nowhere", "out.csv"): "- write the file | the folder of out.csv is not there",
	} {
		conn, err := New(Options{System: "out", Path: path, ID: "工号", Contents: Full, Target: true, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if en, _ := lines(conn.Examine(t.Context(), connector.Use{Target: true})); !strings.Contains(en, want) {
			t.Errorf("%s\nlacks %q", en, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !strings.HasSuffix(f.Name(), lockSuffix) {
			t.Errorf("%s is left behind", f.Name())
		}
	}
}
