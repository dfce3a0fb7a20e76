package ldapdir

import (
	"context"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// objectSecurity is the flag of DirSync for accounts without the right to
// replicate: they are told of what they may read (MS-ADTS 3.1.1.3.4.1.3).
const objectSecurity = 1

// mostRounds bounds the answers of one poll.
const mostRounds = 100_000

// dirSync follows Active Directory by its DirSync control. The first poll reads
// where things stand and is told to nobody.
type dirSync struct {
	c        *Connector
	kind     directory.Kind
	tell     func([]directory.Hint)
	flags    int64
	cookie   []byte
	started  bool
	machines map[guid]bool // computers are users too, in this directory
}

func (s *dirSync) follow(ctx context.Context, l *line, moved func()) error {
	for {
		if err := s.poll(ctx, l); err != nil {
			return err
		}
		moved()
		if err := s.c.o.Sleep(ctx, s.c.o.Poll); err != nil {
			return ended(ctx)
		}
	}
}

// poll asks until the server has no more to tell.
func (s *dirSync) poll(ctx context.Context, l *line) error {
	changed := map[directory.Hint]bool{}
	for range mostRounds {
		answer, err := s.ask(ctx, l)
		switch number := code(err); {
		case number == codeNoRights && s.flags == 0:
			s.flags = objectSecurity
			continue
		case (number == codeNoControl || number == codeUnwilling) && s.cookie != nil:
			// The cookie is of another server or too old: begin again, and say that
			// something may have been missed.
			s.cookie, s.started = nil, false
			s.tell([]directory.Hint{hint(s.kind, "", false)})
			continue
		case number == codeNoControl || number == codeUnwilling || number == codeNoRights:
			return fault.Wrap(fault.Unsupported, err, "Active Directory does not let the account follow changes by DirSync: let flows run by schedule / AD 不允许该账号用 DirSync 跟踪变更：请让流程按计划运行")
		case err != nil:
			return err
		}
		for _, e := range answer.Entries {
			s.take(e, changed)
		}
		next, ok := ldap.FindControl(answer.Controls, ldap.ControlTypeDirSync).(*ldap.ControlDirSync)
		if !ok {
			return fault.New(fault.Unavailable, "Active Directory's answer lacks its DirSync control / AD 的应答缺少 DirSync 控件")
		}
		if len(next.Cookie) > 0 {
			s.cookie = slices.Clone(next.Cookie)
		}
		if next.Flags == 0 {
			s.report(changed)
			return nil
		}
	}
	return fault.New(fault.Unavailable, "Active Directory's list of changes has no end / AD 的变更列表没有尽头")
}

// ask makes one call. The library keeps its control in the request, so that each
// call needs a fresh one. The filter must be (objectClass=user): with
// objectCategory deletions and moves are missing.
func (s *dirSync) ask(ctx context.Context, l *line) (*ldap.SearchResult, error) {
	filter := "(objectClass=user)"
	if s.kind == directory.Department {
		filter = "(objectClass=organizationalUnit)"
	}
	r := ldap.NewSearchRequest(l.context, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter,
		append([]string{"objectGUID", "isDeleted", "objectClass", "parentGUID", "name"}, l.d.watched(s.kind)...),
		[]ldap.Control{ldap.NewRequestControlDirSync(s.flags, 0, s.cookie)})
	return s.c.send(ctx, l, r)
}

// watched are the attributes whose change matters.
func (d *dialect) watched(kind directory.Kind) []string {
	if kind == directory.Department {
		return nil
	}
	return d.attributes[1:]
}

func (s *dirSync) take(e *ldap.Entry, changed map[directory.Hint]bool) {
	id, ok := objectGUID(e.GetEqualFoldRawAttributeValue("objectGUID"))
	if !ok {
		return
	}
	if slices.Contains(e.GetEqualFoldAttributeValues("objectClass"), "computer") {
		s.machines[id] = true
	}
	if s.machines[id] {
		return
	}
	gone := strings.EqualFold(e.GetEqualFoldAttributeValue("isDeleted"), "TRUE")
	if gone {
		delete(changed, hint(s.kind, id.id(), false))
	}
	changed[hint(s.kind, id.id(), gone)] = true
}

// report tells what one poll found, in order.
func (s *dirSync) report(changed map[directory.Hint]bool) {
	if !s.started {
		s.started = true
		return
	}
	hints := make([]directory.Hint, 0, len(changed))
	for h := range changed {
		hints = append(hints, h)
	}
	slices.SortFunc(hints, func(a, b directory.Hint) int { return strings.Compare(string(a.Key.ID), string(b.Key.ID)) })
	s.tell(hints)
}
