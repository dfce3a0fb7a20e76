package store

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestUnusableFolderIsNamed names the data folder that cannot be used, with its reason
// and the way on, in both languages.
func TestUnusableFolderIsNamed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, err := range []error{syscall.EROFS, fs.ErrPermission, syscall.ENOSPC, syscall.ENOTDIR, fs.ErrNotExist, errors.New("other")} {
		got := unusable("/srv/rollcall", &fs.PathError{Op: "mkdir", Path: "/srv/rollcall", Err: err})
		say := fault.Say(got)
		en, zh := fault.In(say, "en"), fault.In(say, "zh")
		if fault.KindOf(got) != fault.Unavailable || !strings.Contains(en, "/srv/rollcall; ") || !strings.Contains(zh, "/srv/rollcall；") || seen[en] || seen[zh] {
			t.Errorf("%v: %q, %q", err, en, zh)
		}
		seen[en], seen[zh] = true, true
	}
}

// TestRefusalNamesTheReason tells apart what PostgreSQL refuses.
func TestRefusalNamesTheReason(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"28P01": "password", "28000": "pg_hba.conf", "3D000": "createdb", "42501": "owner", "99999": "put user"} {
		say := refusal(&pgconn.PgError{Code: code, Message: "canary"})
		if !strings.Contains(fault.In(say, "en"), want) || fault.In(say, "zh") == fault.In(say, "en") || strings.Contains(say, "canary") {
			t.Errorf("%s: %s", code, say)
		}
	}
}
