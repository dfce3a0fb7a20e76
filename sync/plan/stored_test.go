package plan_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// storedDigest is what testdata/stored.json was voted on as.
const storedDigest = "cf445edd4853b9d5c3a10c9729a89c6a40789624a3ba5a365052ddfbe9d67868"

// stored gives the input that the stored plan was made of.
func stored(t *testing.T) plan.Input {
	w := newWorld(t)
	w.source.read(w, "department d1 研发部\nuser 1001 新人 in=d1 boss=1002\nuser 1002 变化 in=d1 title=专员\nuser 1003 不变\nuser 1005 认领 email=a@x.cn\nuser 1006 冲突 email=b@x.cn", false)
	w.target.read(w, "user 1002 变化\nuser 1003 不变\nuser 1004 离职\nuser other 认领 email=a@x.cn\nuser x1 甲 email=b@x.cn\nuser x2 乙 email=b@x.cn", true)
	w.readLinks("1002-1004 -> same")
	return w.input()
}

// TestStoredPlansKeepTheirDigest holds a plan that was stored by an earlier version,
// without any rule, against this one: votes are for its digest.
func TestStoredPlansKeepTheirDigest(t *testing.T) {
	t.Parallel()
	made := make1(t, stored(t))
	was, err := os.ReadFile("testdata/stored.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Decode(was)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Encode(), was) || p.Digest().String() != storedDigest {
		t.Errorf("the stored plan has another digest now: %s\n%s", p.Digest(), p.Encode())
	}
	if !bytes.Equal(made.Encode(), was) {
		t.Errorf("the same input gives another plan now:\n%s", made.Encode())
	}
}
