package feishu_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

type codeKind struct {
	code int
	kind fault.Kind
}

// readTable is the reference's table of codes at every call of a listing; those
// that only make the snapshot incomplete are listed with the kind that they
// would have.
func readTable() []codeKind {
	return []codeKind{
		{99991672, fault.Credential},
		{99991676, fault.Credential},
		{99991663, fault.Credential},
		{99991401, fault.Credential},
		{99991662, fault.Credential},
		{99991673, fault.Credential},
		{99991400, fault.Limited},
		{40003, fault.Unavailable},
		{41027, fault.Unavailable},
		{44025, fault.Unavailable},
		{40004, fault.Denied},
		{40012, fault.Invalid},
		{40040, fault.Invalid},
		{4711, fault.Invalid},
	}
}

// writeTable is the reference's table of codes at a write.
func writeTable() []codeKind {
	var rows []codeKind
	for _, group := range []struct {
		kind  fault.Kind
		codes []int
	}{
		{fault.Limited, []int{99991400, 44009}},
		{fault.Unavailable, []int{44025, 43024, 43030}},
		{fault.InDoubt, []int{40003, 41027}},
		{fault.Conflict, []int{41001, 41002, 41003, 41011, 41053, 44024, 44051, 43000, 43007, 40018, 43022, 43005, 43018, 40021}},
		{fault.Invalid, []int{
			40001, 41004, 41005, 41006, 41040, 41009, 41010, 41012, 41017, 41041, 41030, 41031, 41032, 41033, 41036, 41038, 41042, 41043,
			41044, 41045, 41046, 41047, 41048, 41059, 41057, 41060, 41063, 41070, 41071, 41072, 44006, 44007, 44008, 44021, 44022, 44035,
			43008, 43013, 43016, 43019, 43025, 43026, 43029, 44019, 44020, 44002, 41025, 41410, 41029, 41028, 41016, 44004, 99992402,
		}},
		{fault.Denied, []int{40004, 40014, 41050, 41056, 44050, 41007, 41008, 44023, 44046, 44047, 44048}},
		{fault.Credential, []int{99991672, 99991676, 99991401, 99991662, 99991673}},
	} {
		for _, code := range group.codes {
			rows = append(rows, codeKind{code, group.kind})
		}
	}
	return rows
}

// returnTable is the table of the call that brings a deleted account back.
func returnTable() []codeKind {
	return []codeKind{
		{44028, fault.Denied},
		{44029, fault.Denied},
		{44030, fault.Conflict},
		{44031, fault.Conflict},
		{44032, fault.Conflict},
		{44033, fault.Conflict},
		{44034, fault.Denied},
		{44041, fault.Denied},
		{44042, fault.Unavailable},
		{41007, fault.Denied},
		{41008, fault.Denied},
		{44023, fault.Denied},
		{44046, fault.Denied},
		{44047, fault.Denied},
		{44048, fault.Denied},
		{44050, fault.Denied},
	}
}

// lifeTable is what the reference says of freezing, deleting and patching.
func lifeTable() []codeKind {
	return []codeKind{
		{44036, fault.Denied},
		{44037, fault.Denied},
		{41052, fault.Invalid},
		{44010, fault.Denied},
		{43011, fault.Conflict},
		{43012, fault.Conflict},
		{44038, fault.Invalid},
		{44044, fault.Invalid},
		{44045, fault.Invalid},
		{44049, fault.Unavailable},
		{44018, fault.Invalid},
		{41014, fault.Invalid},
		{41023, fault.Invalid},
		{41034, fault.Conflict},
		{41035, fault.Invalid},
		{41051, fault.Invalid},
		{41068, fault.Denied},
		{41069, fault.Conflict},
		{44001, fault.Invalid},
		{40002, fault.Denied},
	}
}

// TestEveryCodeSaysWhatToDo sends every code of the reference as the answer to a
// write, with the HTTP status that the vendor sends it with and with others: the
// kind depends on the code alone, and the sentence names a way on in both
// languages.
func TestEveryCodeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) {
		o.Rates = feishu.Rates{Read: 1e6, Write: 1e6, Slow: 1e6}
	})
	code, status := 0, 0
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPatch && answerJSON(w, status, fmt.Sprintf(`{"code":%d,"msg":"13800000001"}`, code))
	}
	for _, row := range slices.Concat(writeTable(), returnTable(), lifeTable()) {
		for _, status = range []int{200, 400, 401, 403, 405, 409, 504} {
			code = row.code
			_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"name": directory.TextOf("y")}))
			x.clock.advance(time.Hour) // whatever asks to slow down is over
			if fault.KindOf(err) != row.kind {
				t.Errorf("%d with HTTP %d is %s, want %s", code, status, fault.KindOf(err), row.kind)
			}
			checkSentence(t, code, err)
		}
	}
}

// checkSentence looks for what to do after what is wrong.
func checkSentence(t *testing.T, code int, err error) {
	t.Helper()
	say := fault.Say(err)
	zh, en := fault.In(say, "zh"), fault.In(say, "en")
	if zh == en || strings.Contains(say, "13800000001") || strings.Contains(en, "refuses the request") {
		t.Errorf("%d says %q", code, say)
		return
	}
	if fault.KindOf(err) == fault.InDoubt {
		return // the engine says what to do
	}
	if !strings.Contains(en, ":") {
		t.Errorf("%d does not say what to do: %q", code, en)
	}
	if !slices.ContainsFunc([]string{"请", "会再试", "等待"}, func(word string) bool { return strings.Contains(zh, word) }) {
		t.Errorf("%d does not say what to do: %q", code, zh)
	}
}

// TestCodesAtReading: the same for what only a reading call is told.
func TestCodesAtReading(t *testing.T) {
	t.Parallel()
	for _, row := range slices.Concat(readTable(), []codeKind{{99991661, fault.Credential}, {10014, fault.Credential}, {40009, fault.Invalid}, {40011, fault.Invalid}}) {
		if row.code == 4711 {
			continue // in no table
		}
		x := newTenant(t, nil)
		x.front = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/departments/0/children") && answerJSON(w, http.StatusOK, fmt.Sprintf(`{"code":%d}`, row.code))
		}
		err := x.c.Probe(t.Context())
		if want := row.kind; fault.KindOf(err) != want && row.code != 40004 {
			t.Errorf("%d: %v, want %s", row.code, err, want)
		}
		checkSentence(t, row.code, err)
	}
}
