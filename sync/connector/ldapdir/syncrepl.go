package ldapdir

import (
	"context"
	"maps"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// syncrepl follows OpenLDAP by RFC 4533, refreshAndPersist. The first refresh
// lists who there is, and is told to nobody. A later one tells what happened
// meanwhile: with a session log the server names the deleted; without one it
// names those that are still there, and the deleted are the rest.
type syncrepl struct {
	c      *Connector
	kind   directory.Kind
	tell   func([]directory.Hint)
	cookie []byte
	known  map[guid]bool // everybody whom the server named

	started bool // the first refresh is over

	// Of the refresh under way.
	done    bool // the refresh is over, changes come as they happen
	present map[guid]bool
}

// follow reads one persistent search to its end.
func (s *syncrepl) follow(ctx context.Context, l *line, moved func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.done = false
	s.present = map[guid]bool{}
	r := ldap.NewSearchRequest(s.c.o.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, l.d.filter(s.kind), []string{"1.1"}, nil)
	answers := l.Syncrepl(ctx, r, 64, ldap.SyncRequestModeRefreshAndPersist, s.cookie, false)
	for answers.Next() {
		moved()
		for _, control := range answers.Controls() {
			switch x := control.(type) {
			case *ldap.ControlSyncState:
				s.state(x)
			case *ldap.ControlSyncInfo:
				s.info(x)
			case *ldap.ControlSyncDone:
				s.phase(!x.RefreshDeletes, true, x.Cookie)
			}
		}
	}
	err := answers.Err()
	switch code(err) {
	case codeRefreshRequired:
		// What happened meanwhile is lost: the next refresh lists everybody.
		s.cookie = nil
		s.tell([]directory.Hint{hint(s.kind, "", false)})
		return s.c.refusal(ctx, err, false)
	case codeNoControl, codeUnwilling:
		return watchUnsupported(err)
	}
	if err == nil {
		return fault.New(fault.Unavailable, "the directory ended the search for changes / 目录结束了变更查询")
	}
	return s.c.refusal(ctx, err, false)
}

func (s *syncrepl) keep(cookie []byte) {
	if len(cookie) > 0 { // "no change" comes without one
		s.cookie = cookie
	}
}

// state takes an entry's mark.
func (s *syncrepl) state(x *ldap.ControlSyncState) {
	id := guid(x.EntryUUID)
	if s.done {
		s.keep(x.Cookie)
	}
	switch x.State {
	case ldap.SyncStatePresent:
		s.present[id] = true
	case ldap.SyncStateDelete:
		delete(s.known, id)
		s.tell([]directory.Hint{hint(s.kind, id.id(), true)})
	default:
		// A refresh from the start names everybody, and not what changed.
		news := s.done || s.started && (s.cookie != nil || !s.known[id])
		s.present[id], s.known[id] = true, true
		if news {
			s.tell([]directory.Hint{hint(s.kind, id.id(), false)})
		}
	}
}

// info takes what the server says between entries.
func (s *syncrepl) info(x *ldap.ControlSyncInfo) {
	switch {
	case x.NewCookie != nil:
		s.keep(x.NewCookie.Cookie)
	case x.SyncIdSet != nil:
		s.set(x.SyncIdSet)
	case x.RefreshPresent != nil:
		s.phase(true, x.RefreshPresent.RefreshDone, x.RefreshPresent.Cookie)
	case x.RefreshDelete != nil:
		s.phase(s.cookie == nil, x.RefreshDelete.RefreshDone, x.RefreshDelete.Cookie)
	}
}

// phase is the end of a phase of the refresh: of the present, after which the
// rest is gone, or of the deleted. Only the last one's cookie stands for all.
func (s *syncrepl) phase(present, last bool, cookie []byte) {
	if s.done {
		return
	}
	if present && s.started {
		s.rest()
	}
	if last {
		s.keep(cookie)
		s.done, s.started, s.present = true, true, map[guid]bool{}
	}
}

// set takes a set of ids: of the deleted, or of those that are still there.
func (s *syncrepl) set(x *ldap.ControlSyncInfoSyncIdSet) {
	var hints []directory.Hint
	for _, u := range x.SyncUUIDs {
		id := guid(u)
		if !x.RefreshDeletes {
			s.present[id] = true
			continue
		}
		delete(s.known, id)
		hints = append(hints, hint(s.kind, id.id(), true))
	}
	s.tell(hints)
	if s.done {
		s.keep(x.Cookie)
	}
}

// rest tells of those that were known and are not present any more.
func (s *syncrepl) rest() {
	var hints []directory.Hint
	for id := range maps.Keys(s.known) {
		if !s.present[id] {
			hints = append(hints, hint(s.kind, id.id(), true))
			delete(s.known, id)
		}
	}
	s.tell(hints)
}
