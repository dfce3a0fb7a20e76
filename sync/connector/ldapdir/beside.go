package ldapdir

import (
	"context"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// In Active Directory an entry is named after its person, so that the second of
// one name in a unit stands there as "NAME (sign-in name)". As long as the name is
// taken that is the nearest to NAME that there is: it is read as NAME, or the same
// change would be planned for ever.

// besideMark is what is added to a name.
func besideMark(sam string) string { return " (" + sam + ")" }

// besideName adds the sign-in name to a relative name: "CN=张伟 (zhangwei2)". ok
// is false when it is in it already or there is none.
func besideName(own, sam string) (string, bool) {
	n, err := parseName(own)
	if err != nil || sam == "" || len(n.parts[0].pairs) != 1 {
		return "", false
	}
	a := n.parts[0].pairs[0]
	mark := besideMark(sam)
	if strings.HasSuffix(a.value, mark) {
		return "", false
	}
	const most = 64 // characters of a cn in Active Directory
	value := []rune(a.value)
	value = value[:min(len(value), max(0, most-len([]rune(mark))))]
	return relative(a.attribute, string(value)+mark), true
}

// wished gives the name that somebody's entry would have without the sign-in name
// in it, and the DN that is taken then. ok is false for an entry that is named in
// no such way.
func (d *dialect) wished(o *directory.Object) (plain, dn string, ok bool) {
	if d.kind != AD {
		return "", "", false
	}
	cn, sam := "", ""
	for i := range d.fields {
		switch f := &d.fields[i]; {
		case strings.EqualFold(f.attribute, "cn"):
			cn = o.Attributes[f.name].Text()
		case strings.EqualFold(f.attribute, "sAMAccountName"):
			sam = o.Attributes[f.name].Text()
		}
	}
	mark := besideMark(sam)
	if sam == "" || len(cn) <= len(mark) || !strings.EqualFold(cn[len(cn)-len(mark):], mark) {
		return "", "", false
	}
	plain = cn[:len(cn)-len(mark)]
	n, err := parseName(o.Attributes[attrDN].Text())
	if err != nil || len(n.parts[0].pairs) != 1 {
		return "", "", false
	}
	if own, named := n.value("cn"); !named || own != cn {
		return "", "", false
	}
	return plain, n.with(n.parts[0].pairs[0].attribute, plain) + "," + n.parent().dn, true
}

// rename gives somebody the name that is taken as their cn.
func (d *dialect) rename(o *directory.Object, plain string) {
	for i := range d.fields {
		if f := &d.fields[i]; f.form == formText && strings.EqualFold(f.attribute, "cn") {
			o.Attributes[f.name] = directory.TextOf(plain)
		}
	}
}

// beside gives somebody the name that they would have if it were not taken.
func (g *glance) beside(ctx context.Context, o *directory.Object) error {
	plain, dn, ok := g.l.d.wished(o)
	if !ok {
		return nil
	}
	found, err := g.at(ctx, directory.User, dn)
	if err == nil && found.ok {
		g.l.d.rename(o, plain)
	}
	return err
}
