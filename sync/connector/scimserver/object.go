package scimserver

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// The attributes beside the standard ones of package directory.
const (
	attrID         = "id"
	attrUserName   = "userName"
	attrExternalID = "externalId"
	attrTelephone  = "telephone"
	attrDepartment = "department"
	attrOrder      = "order"
	attrLeader     = "leader"
)

// What is hidden, as people read it.
const (
	firstPush     = "first push not over / 首次推送尚未结束"
	noGroups      = "no group pushed / 没有推送过组"
	personUnknown = "person not pushed / 对方尚未推送"
	parentUnknown = "parent group not pushed / 上级组尚未推送"
	valueWrong    = "value not of its type / 值与类型不符"
)

// coreTexts are attributes of a user that come under their own names.
func coreTexts() []string {
	return []string{"nickName", "userType", "preferredLanguage", "locale", "timezone"}
}

// enterpriseTexts are those of the enterprise extension.
func enterpriseTexts() []string {
	return []string{attrDepartment, "division", "organization", "costCenter"}
}

// describe builds the connector's Info.
func describe(o Options) connector.Info {
	var list []connector.Attribute
	add := func(kind directory.Kind, t directory.Type, names ...string) {
		for _, name := range names {
			list = append(list, connector.Attribute{Kind: kind, Name: name, Type: t})
		}
	}
	add(directory.User, directory.Text, attrID, attrUserName, attrExternalID, directory.AttrName, "givenName", "familyName",
		directory.AttrEmail, directory.AttrMobile, attrTelephone, directory.AttrTitle, directory.AttrEmployeeNo)
	add(directory.User, directory.Text, append(enterpriseTexts(), coreTexts()...)...)
	add(directory.User, directory.Refs, directory.AttrDepartments, directory.AttrManager)
	add(directory.User, directory.Bool, directory.AttrActive)
	for _, a := range o.Attributes {
		list = slices.DeleteFunc(list, func(b connector.Attribute) bool { return b.Name == a.Name })
		add(directory.User, a.Type, a.Name)
	}
	add(directory.Department, directory.Text, attrID, directory.AttrName, attrExternalID)
	add(directory.Department, directory.Refs, directory.AttrParent, attrLeader)
	add(directory.Department, directory.Int, attrOrder)
	return connector.Info{
		Type: "scim_server", Tenant: o.System, IDAttribute: attrID, DepartmentIDAttribute: attrID, Attributes: list,
	}
}

// group is a group as a department.
type group struct {
	id, name, externalID, parent, leader string
	order                                directory.Value
}

func newGroup(it shelf.Item, doc map[string]any) group {
	ext, _ := doc[departmentSchema].(map[string]any)
	order, _ := typed(directory.Int, leaf(ext[attrOrder]))
	return group{
		id: it.ID, name: leaf(doc["displayName"]), externalID: it.ExternalID,
		parent: memberID(ext[directory.AttrParent]), leader: memberID(ext[attrLeader]), order: order,
	}
}

// world is what is needed of others to tell of one object: who is in which group,
// and what ids people and groups go by.
type world struct {
	hidden   string // why nobody can tell who is in which group; "" = it can be told
	groupsOf map[string][]group
	names    map[string]string // by kind and own id: itself
	external map[string]string // by kind and external id: own id, "" when two have it
}

func (w *world) add(kind shelf.Kind, id, external string) {
	w.names[string(kind)+id] = id
	if external == "" {
		return
	}
	key := string(kind) + external
	if _, taken := w.external[key]; taken {
		id = ""
	}
	w.external[key] = id
}

func (w *world) addUser(it shelf.Item) { w.add(shelf.User, it.ID, it.ExternalID) }

func (w *world) addGroup(g *group, members []string) {
	w.add(shelf.Group, g.id, g.externalID)
	for _, id := range members {
		w.groupsOf[id] = append(w.groupsOf[id], *g)
	}
}

// refer gives a reference to what somebody calls by our id or by the provider's;
// one that leads nowhere is unknown.
func (w *world) refer(kind shelf.Kind, value, why string) directory.Value {
	to := directory.User
	if kind == shelf.Group {
		to = directory.Department
	}
	if value == "" {
		return directory.RefsToKind(to)
	}
	id := cmp.Or(w.names[string(kind)+value], w.external[string(kind)+value])
	if id == "" {
		return directory.Hidden(why)
	}
	return directory.RefsToKind(to, directory.ID(id))
}

// department gives a group as a department.
func (w *world) department(g group) directory.Object {
	return directory.Object{
		Key: directory.Key{Kind: directory.Department, ID: directory.ID(g.id)}, Active: true,
		Attributes: directory.Attributes{
			attrID: directory.TextOf(g.id), directory.AttrName: directory.TextOf(g.name), attrExternalID: directory.TextOf(g.externalID),
			directory.AttrParent: w.refer(shelf.Group, g.parent, parentUnknown), attrOrder: g.order,
			attrLeader: w.refer(shelf.User, g.leader, personUnknown),
		},
	}
}

// user gives a pushed user, and what is wrong with it.
func (s *Server) user(it shelf.Item, doc map[string]any, w *world) (directory.Object, []string) {
	at := directory.Attributes{}
	put := func(name, v string) { at[name] = directory.TextOf(v) }
	full, _ := doc["name"].(map[string]any)
	ext, _ := doc[enterpriseSchema].(map[string]any)
	put(attrID, it.ID)
	put(attrUserName, leaf(doc["userName"]))
	put(attrExternalID, it.ExternalID)
	put("givenName", leaf(full["givenName"]))
	put("familyName", leaf(full["familyName"]))
	put(directory.AttrName, cmp.Or(leaf(doc["displayName"]), leaf(full["formatted"]), joined(leaf(full["familyName"]), leaf(full["givenName"]))))
	put(directory.AttrEmail, valueOf(doc["emails"], "work", true))
	put(directory.AttrMobile, valueOf(doc["phoneNumbers"], "mobile", false))
	put(attrTelephone, valueOf(doc["phoneNumbers"], "work", false))
	put(directory.AttrTitle, leaf(doc["title"]))
	put(directory.AttrEmployeeNo, leaf(ext["employeeNumber"]))
	for _, name := range coreTexts() {
		put(name, leaf(doc[name]))
	}
	for _, name := range enterpriseTexts() {
		put(name, leaf(ext[name]))
	}
	at[directory.AttrManager] = w.refer(shelf.User, memberID(ext["manager"]), personUnknown)
	at[directory.AttrDepartments] = w.departments(it.ID, leaf(ext[attrDepartment]))
	var problems []string
	for i := range s.custom {
		c := &s.custom[i]
		v, ok := c.read(doc)
		if !ok {
			v = directory.Hidden(valueWrong)
			problems = append(problems, c.Name+" is not of type "+c.Type.String()+" / "+c.Name+" 不是 "+c.Type.String()+" 类型")
		}
		at[c.Name] = v
	}
	return directory.Object{Key: keyOf(it.Ref), Active: doc["active"] != false, Attributes: at}, problems
}

// departments gives the groups that a user is in, in the order of ids; the one
// that the user's text "department" names comes first. Before the first push is
// over nobody knows them, since groups come after users; nor while there never was a
// group: they may be pushed days later, and nobody is in none because of that.
func (w *world) departments(id, main string) directory.Value {
	if w.hidden != "" {
		return directory.Hidden(w.hidden)
	}
	groups := slices.Clone(w.groupsOf[id])
	slices.SortFunc(groups, func(a, b group) int {
		aMain, bMain := main != "" && a.name == main, main != "" && b.name == main
		if aMain != bMain {
			if aMain {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.id, b.id)
	})
	ids := make([]directory.ID, 0, len(groups))
	for _, g := range groups {
		ids = append(ids, directory.ID(g.id))
	}
	return directory.RefsToKind(directory.Department, ids...)
}

// joined puts family and given name together as their script wants it.
func joined(family, given string) string {
	if strings.ContainsFunc(family+given, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return family + given
	}
	return strings.TrimSpace(given + " " + family)
}

// valueOf gives the value of a type. any: else the primary one, else the first.
func valueOf(v any, typ string, anyOther bool) string {
	var ofType, primary, first string
	for _, item := range asList(v) {
		m, _ := item.(map[string]any)
		value := strings.TrimSpace(leaf(m[nameValue]))
		if value == "" {
			continue
		}
		first = cmp.Or(first, value)
		if strings.EqualFold(leaf(m["type"]), typ) {
			ofType = cmp.Or(ofType, value)
		}
		if m["primary"] == true {
			primary = cmp.Or(primary, value)
		}
	}
	if anyOther {
		return cmp.Or(primary, ofType, first)
	}
	return ofType
}

// around reads what is needed to tell of one object.
func (s *Server) around(ctx context.Context, it shelf.Item, doc map[string]any) (*world, error) {
	w := &world{groupsOf: map[string][]group{}, names: map[string]string{}, external: map[string]string{}}
	if it.Kind == shelf.Group {
		g := newGroup(it, doc)
		if err := s.meet(ctx, w, shelf.Group, g.parent); err != nil {
			return nil, err
		}
		return w, s.meet(ctx, w, shelf.User, g.leader)
	}
	err := s.each(ctx, shelf.Query{System: s.o.System, Kind: shelf.Group, Mentions: it.ID}, func(other shelf.Item) error {
		doc, err := decodeJSON(other.Document)
		if err != nil {
			return err
		}
		g := newGroup(other, doc)
		if slices.Contains(members(doc), it.ID) {
			w.groupsOf[it.ID] = append(w.groupsOf[it.ID], g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ext, _ := doc[enterpriseSchema].(map[string]any)
	return w, s.meet(ctx, w, shelf.User, memberID(ext["manager"]))
}

// meet learns what somebody's reference leads to.
func (s *Server) meet(ctx context.Context, w *world, kind shelf.Kind, value string) error {
	if value == "" {
		return nil
	}
	it, err := s.o.Shelf.ShelfItem(ctx, shelf.Ref{System: s.o.System, Kind: kind, ID: value})
	if err == nil && it.Gone.IsZero() {
		w.add(kind, it.ID, "")
		return nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	others, err := s.o.Shelf.ShelfItems(ctx, shelf.Query{System: s.o.System, Kind: kind, ExternalID: value, Limit: 2})
	for _, other := range others {
		w.add(kind, other.ID, other.ExternalID)
	}
	return err
}
