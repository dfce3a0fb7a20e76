package connectortest

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func toWriteDepartments(more ...string) []string {
	return append([]string{"NewDepartment", "SeedDepartment", "Effects", "Stored"}, more...)
}

func departmentCases() []testCase {
	return []testCase{
		{"create", toWriteDepartments(), createDepartments},
		{"names", toWriteDepartments(), departmentNames},
		{"rename", toWriteDepartments(), renameDepartment},
		{"move", toWriteDepartments(), moveDepartment},
		{"move below itself", toWriteDepartments(), moveIntoCycle},
		{"delete", toWriteDepartments(), deleteDepartment},
		{"delete with members", toWriteDepartments("SeedUser"), deleteInhabited},
		{"delete with children", toWriteDepartments(), deleteParent},
		{"missing", toWriteDepartments(), missingDepartments},
		{"create in doubt", toWriteDepartments("CutAfterEffect"), departmentInDoubt(plan.Create)},
		{"delete in doubt", toWriteDepartments("CutAfterEffect"), departmentInDoubt(plan.Delete)},
	}
}

func createDepartments(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Create)
	w := h.createDepartment(Department{ID: "1101", Name: "研发部"})
	top := h.apply(t, w)
	if got := h.stored(t, top); got.Name != "研发部" || got.Parent != "" {
		t.Errorf("the system holds %+v", got)
	}
	h.checkReadBack(t, top, w.After)
	below := h.apply(t, h.createDepartment(Department{ID: "1102", Name: "平台组", Parent: top.ID}))
	if got := h.stored(t, below); got.Parent != top.ID {
		t.Errorf("the parent is %q, want %s", got.Parent, top.ID)
	}
}

func departmentNames(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Update)
	key := departmentKey(h.SeedDepartment(Department{ID: "1101", Name: "研发部"}))
	for _, name := range h.allowed(directory.Department) {
		h.apply(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf(name)}))
		if got := h.stored(t, key).Name; got != name {
			t.Errorf("%q is stored as %q", name, got)
		}
	}
}

func renameDepartment(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Update)
	top := h.SeedDepartment(Department{ID: "1101", Name: "研发部"})
	key := departmentKey(h.SeedDepartment(Department{ID: "1102", Name: "平台组", Parent: top}))
	if got := h.apply(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("架构组")})); got != key {
		t.Errorf("the update of %s gives the key %s", key, got)
	}
	if got := h.stored(t, key); got.Name != "架构组" || got.Parent != top {
		t.Errorf("the system holds %+v", got)
	}
}

func moveDepartment(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Update)
	a := h.SeedDepartment(Department{ID: "1101", Name: "甲部"})
	b := h.SeedDepartment(Department{ID: "1102", Name: "乙部"})
	key := departmentKey(h.SeedDepartment(Department{ID: "1103", Name: "组", Parent: a}))
	for _, want := range []directory.ID{b, "", a} {
		h.apply(t, write(plan.Update, key, directory.Attributes{
			h.attrParent(): directory.RefsToKind(directory.Department, refOf(want)...),
		}))
		if got := h.stored(t, key); got.Parent != want || got.Name != "组" {
			t.Fatalf("moved to %+v, want parent %q", got, want)
		}
	}
}

// moveIntoCycle moves a department below its own grandchild.
func moveIntoCycle(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Update)
	line := h.chain(3)
	for _, below := range []directory.ID{line[2], line[0]} {
		h.refuse(t, write(plan.Update, departmentKey(line[0]), directory.Attributes{
			h.attrParent(): directory.RefsToKind(directory.Department, below),
		}), fault.Invalid, fault.Conflict)
	}
	if got := h.stored(t, departmentKey(line[0])).Parent; got != "" {
		t.Errorf("the top department is now below %s", got)
	}
}

func deleteDepartment(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Delete)
	key := departmentKey(h.SeedDepartment(Department{ID: "1101", Name: "研发部"}))
	other := departmentKey(h.SeedDepartment(Department{ID: "1102", Name: "人事部"}))
	h.apply(t, write(plan.Delete, key, nil))
	if _, ok := h.Stored(key); ok {
		t.Error("the deleted department is still there")
	}
	h.stored(t, other)
	if _, err := h.target(t).Apply(within(t), write(plan.Delete, key, nil)); err != nil {
		t.Errorf("the delete of what is gone already: %v", err)
	}
}

func deleteInhabited(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Delete)
	key := departmentKey(h.SeedDepartment(Department{ID: "1101", Name: "研发部"}))
	user := h.SeedUser(person(1, key.ID))
	h.refuse(t, write(plan.Delete, key, nil), fault.Conflict, fault.Invalid)
	h.stored(t, key)
	h.stored(t, userKey(user))
}

func deleteParent(t *testing.T, h *Harness) {
	h.can(t, directory.Department, plan.Delete)
	line := h.chain(2)
	h.refuse(t, write(plan.Delete, departmentKey(line[0]), nil), fault.Conflict, fault.Invalid)
	h.stored(t, departmentKey(line[0]))
	h.stored(t, departmentKey(line[1]))
}

func missingDepartments(t *testing.T, h *Harness) {
	key := departmentKey(missingDepartment)
	info := h.Connector.Describe()
	if info.Can(directory.Department, plan.Update) {
		h.refuse(t, write(plan.Update, key, directory.Attributes{h.attrName(): directory.TextOf("甲部")}), fault.NotFound)
	}
	if info.Can(directory.Department, plan.Delete) {
		if _, err := h.target(t).Apply(within(t), write(plan.Delete, key, nil)); err != nil {
			t.Errorf("the delete of a missing department: %v", err)
		}
	}
	if info.Can(directory.Department, plan.Create) {
		w := h.createDepartment(Department{ID: "1101", Name: "组", Parent: missingDepartment})
		h.refuse(t, w, fault.NotFound, fault.Invalid)
	}
	if n := h.Effects(); n != 0 {
		t.Errorf("writes to a missing department had %d effects", n)
	}
}

func departmentInDoubt(op plan.Op) func(*testing.T, *Harness) {
	return func(t *testing.T, h *Harness) {
		h.can(t, directory.Department, op)
		id := h.SeedDepartment(Department{ID: "1101", Name: "甲部"})
		h.readComplete(t)
		w := write(op, departmentKey(id), nil)
		if op == plan.Create {
			w = h.createDepartment(Department{ID: "1102", Name: "乙部"})
		}
		h.CutAfterEffect()
		h.lost(t, w, 1, fault.InDoubt)
	}
}
