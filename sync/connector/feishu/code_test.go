package feishu_test

import "github.com/rollcallhq/rollcall/sync/fault"

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
