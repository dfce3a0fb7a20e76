// Package directory holds the words for what a system keeps: users and
// departments with their attributes, and the snapshot of all of them.
//
// It knows no vendor, no file format and no rule; it does no I/O.
package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
)

// Kind is the kind of an object.
type Kind string

// The two kinds.
const (
	User       Kind = "user"
	Department Kind = "department"
)

// ID is an object's identity in its own system: for ever the same, never a
// name. IDs are compared byte by byte.
type ID string

// Key names one object of one system.
type Key struct {
	Kind Kind `json:"kind"`
	ID   ID   `json:"id"`
}

// String gives "kind:id".
func (k Key) String() string { return string(k.Kind) + ":" + string(k.ID) }

// The attribute names that every connector uses where its system has such a
// thing. Other names are the system's own.
const (
	AttrName        = "name"
	AttrMobile      = "mobile"
	AttrEmail       = "email"
	AttrEmployeeNo  = "employee_no"
	AttrTitle       = "title"
	AttrDepartments = "departments" // of a user: refs, the main one first; empty = directly under the root
	AttrManager     = "manager"     // of a user: one ref
	AttrParent      = "parent"      // of a department: one ref; empty = directly under the root
	AttrActive      = "active"      // in changes: the account may be used; objects keep it as their field Active
	AttrGroups      = "groups"      // of a user: refs to departments in no order, where a system keeps no main one
	AttrLeads       = "leads"       // of a user: refs to the departments that the user leads
	AttrPath        = "path"        // of a department: derived from the names above it, "/总部/研发部"
	// The paths of a source user's departments, derived for mappings into systems
	// that keep a department as a text: the main one, and all as a list.
	AttrDepartmentPath  = "department_path"
	AttrDepartmentPaths = "department_paths"
)

// Attributes are an object's attributes by name.
type Attributes map[string]Value

// Clone gives a copy that may be changed.
func (a Attributes) Clone() Attributes { return maps.Clone(a) }

// Names gives the names in order.
func (a Attributes) Names() []string { return slices.Sorted(maps.Keys(a)) }

// Object is one user or department as one system shows it. The root of a
// system is not an object: what stands directly under it has an empty parent
// or empty departments.
type Object struct {
	Key
	Active     bool // false: disabled, frozen or suspended in its system; departments are always active
	Attributes Attributes
}

// Name gives the object's name for people, or its id when it has none.
func (o Object) Name() string {
	if s := o.Attributes[AttrName].String(); s != "" && s != "?" {
		return s
	}
	return string(o.ID)
}

// Value gives an attribute of the object. Its activity is one as well, under
// AttrActive, unless the system hides it.
func (o Object) Value(name string) Value {
	if v, ok := o.Attributes[name]; ok || name != AttrActive {
		return v
	}
	return BoolOf(o.Active)
}

// Digest is a SHA-256 over canonical bytes.
type Digest [sha256.Size]byte

// String gives the digest in lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short gives the form that people compare: "a1b2-c3d4".
func (d Digest) Short() string { s := d.String(); return s[:4] + "-" + s[4:8] }

// IsZero tells whether no digest was set.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText gives the hex form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the hex form.
func (d *Digest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(d) {
		return errors.New("a digest is 64 hex digits")
	}
	copy(d[:], raw)
	return nil
}

// Digest identifies the object's content: key, activity and attributes.
func (o Object) Digest() Digest { return sha256.Sum256(AppendObject(nil, o)) }

// Digest identifies the attributes' content.
func (a Attributes) Digest() Digest { return sha256.Sum256(appendAttributes(nil, a)) }
