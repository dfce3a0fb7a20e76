package wecom_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// TestLookupDepartments checks both ways to a department: one by one, and by the
// listings for many; with names, and without.
func TestLookupDepartments(t *testing.T) {
	t.Parallel()
	for _, visible := range []bool{true, false} {
		b := newBench(t, false)
		staff(t, b)
		b.SetOldIP(visible)
		few := []directory.ID{"10", "99", "1", "abc", "12"}
		many := []directory.ID{"10", "99", "1", "abc", "12", "11", "98"}
		for _, asked := range [][]directory.ID{few, many} {
			seen, err := b.conn.Lookup(t.Context(), directory.Department, asked)
			if err != nil {
				t.Fatal(err)
			}
			want := []connector.Presence{connector.Present, connector.Gone, connector.Unsure, connector.Gone, connector.Present}
			for i, p := range want {
				if seen[i].Presence != p {
					t.Errorf("visible %v, %d asked: %s has presence %d, want %d", visible, len(asked), asked[i], seen[i].Presence, p)
				}
			}
			if v := seen[0].Object.Attributes["name"]; (v.Type() == directory.Unknown) == visible {
				t.Errorf("visible %v, %d asked: the name is %s", visible, len(asked), v.Type())
			}
		}
		b.Inject(wecomsim.Fault{Path: "department/simplelist", Times: -1, Status: 500})
		for _, asked := range [][]directory.ID{{"99"}, many} {
			if _, err := b.conn.Lookup(t.Context(), directory.Department, asked); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("without the list of ids: %v", err)
			}
		}
	}
}

// TestStragglers checks members whom their department's listing lacks: each is
// asked for, and a failure then makes the snapshot incomplete, and hides nobody.
func TestStragglers(t *testing.T) {
	t.Parallel()
	const short = `{"errcode":0,"userlist":[{"userid":"bob","name":"鲍勃","department":[2],"status":1}]}`
	for name, c := range map[string]struct {
		get      string
		complete bool
		known    bool
	}{
		"there after all":      {`{"errcode":0,"userid":"amy","name":"艾米","department":[2],"status":1}`, true, true},
		"an app knows nothing": {`{"errcode":60111}`, true, false},
		"out of sight":         {`{"errcode":60011}`, true, false},
		"cannot be asked":      {"500|", false, false},
	} {
		s, err := connect(t, stub{"user/list": short, "user/get": c.get}).Read(t.Context())
		if err != nil || s.Complete() != c.complete || s.Len(directory.User) != 2 {
			t.Errorf("%s: %v, %+v", name, err, s)
			continue
		}
		if v := user(t, s, "amy").Attributes["name"]; (v.Type() == directory.Text) != c.known {
			t.Errorf("%s: the name is %s", name, v.Type())
		}
	}
}

// TestLookupManyIsCutShort checks that nobody counts as gone when those whom the listing
// lacks cannot all be asked for alone.
func TestLookupManyIsCutShort(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	staff(t, b)
	asked := []directory.ID{"amy"}
	for i := range 30 {
		asked = append(asked, directory.ID(fmt.Sprintf("x%d", i)))
	}
	b.Inject(wecomsim.Fault{Path: "user/get", Times: -1, Status: 500})
	if seen, err := b.conn.Lookup(t.Context(), directory.User, asked); fault.KindOf(err) != fault.Unavailable || seen != nil {
		t.Errorf("%+v, %v", seen, err)
	}
}

// TestLookupWhereNobodyIsListed checks that a listing without anybody proves nobody gone.
func TestLookupWhereNobodyIsListed(t *testing.T) {
	t.Parallel()
	asked := []directory.ID{"amy"}
	for i := range 30 {
		asked = append(asked, directory.ID(fmt.Sprintf("x%d", i)))
	}
	for _, ids := range [][]directory.ID{asked[:1], asked} {
		c := connect(t, stub{"user/list_id": `{"errcode":0,"dept_user":[]}`, "user/list": `{"errcode":0,"userlist":[]}`, "user/get": `{"errcode":60111}`})
		seen, err := c.Lookup(t.Context(), directory.User, ids)
		if err != nil || seen[0].Presence != connector.Unsure || !strings.Contains(seen[0].Why, " / ") {
			t.Errorf("%d asked: %+v, %v", len(ids), seen, err)
		}
	}
}
