package bot

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func TestTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Changes[1].Rule, p.Changes[2].Rule = "rules/users.js:9", "rules/users.js:12"
	code := w.awaits(p)
	w.service.entries[code] = []run.Entry{{Seq: 1, Step: run.StepDone}, {Seq: 3, Step: run.StepFailed, Say: "no / 不行"}}
	for _, l := range []Lang{ZH, EN} {
		for _, kind := range []string{"", "delete", "notes"} {
			data, err := w.b.table(t.Context(), File{Run: code, Kind: kind}, l)
			if err != nil {
				t.Fatal(err)
			}
			rest, marked := bytes.CutPrefix(data, []byte(byteOrderMark))
			if !marked || bytes.Contains(rest, []byte(byteOrderMark)) {
				t.Error("the byte order mark is not just at the beginning")
			}
			golden(t, "testdata/table/"+strings.TrimPrefix(kind+".", ".")+string(l)+".csv", strings.ReplaceAll(string(rest), "\r\n", "\n"))
			rows, err := csv.NewReader(bytes.NewReader(rest)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if last := rows[len(rows)-1][1]; !strings.Contains(last, w.service.runs[code].Plan.String()) || !strings.Contains(last, string(code)) {
				t.Errorf("the last line bears %q", last)
			}
			if kind == "delete" && len(rows) != 5 {
				t.Errorf("the table of three deletions has %d lines", len(rows))
			}
		}
	}
	for _, of := range []run.Code{"703021", w.queued()} {
		if _, err := w.b.table(t.Context(), File{Run: of}, ZH); fault.KindOf(err) != fault.NotFound {
			t.Errorf("the table of nothing gives %v", err)
		}
	}
}

// queued begins a run that has no plan.
func (w *world) queued() run.Code {
	w.say("Li Min", "ops", "同步 hr-to-wecom")
	return run.Code(w.code())
}

// No cell is a formula, breaks its line or hides something, whatever stands in the
// directory.
func TestA27_CellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "王磊": "王磊", "=1+1": "'=1+1", "+86 139": "'+86 139", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "' =1", "\rx": "' x", "\nx": "' x",
		" =1": "' =1", "\u200b=1": "'=1", "＝1": "'＝1", "a=1": "a=1", "x\u202ey": "xy", "a\nb": "a b", "#1": "#1",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
	w := newWorld(t)
	for _, s := range append(corpus(), "=cmd|'/C calc'!A0", "\t@x", "a,\"b\"") {
		p := aPlan()
		for i := range p.Changes {
			c := &p.Changes[i]
			c.Name, c.Where, c.Tail, c.Reason, c.Rule, c.Key.ID = s, s, s, s, s, directory.ID(s)
			c.After = directory.Attributes{"employee_no": directory.TextOf(s), s: directory.TextOf(s)}
		}
		p.Notes = append(p.Notes, plan.Note{Kind: plan.Kept, Name: s, Say: s, Place: s})
		code := w.awaits(p)
		data, err := w.b.table(t.Context(), File{Run: code}, ZH)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), byteOrderMark))).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		for _, row := range rows {
			for _, field := range row {
				if field != "" && strings.ContainsAny(field[:1], "=+-@\t\r\n") || strings.ContainsAny(field, "\n\r\t\u202e\x00") {
					t.Errorf("%q gives the cell %q", s, field)
				}
			}
		}
		w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Cancelled })
	}
}
