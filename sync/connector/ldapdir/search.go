package ldapdir

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	tries     = 3               // of one listing
	firstWait = time.Second / 2 // before the second try; four times that before the third
	maxPages  = 1_000_000
)

// query is one search. base "" is the configured base.
type query struct {
	base   string
	scope  int
	filter string
	attrs  []string
	limit  int // entries wanted; more are no fault
}

// tally counts what a reading costs.
type tally struct{ pages, retries, restarts int }

// bucket is the name under which the pace counts calls.
const bucket = "ldap"

// search makes one search that needs no pages.
func (c *Connector) search(ctx context.Context, l *line, q query) (*ldap.SearchResult, error) {
	r := ldap.NewSearchRequest(cmp.Or(q.base, c.o.BaseDN), q.scope, ldap.NeverDerefAliases, q.limit, 0, false, q.filter, q.attrs, nil)
	answer, err := c.send(ctx, l, r)
	if err != nil && q.limit > 0 && code(err) == codeSizeLimit && answer != nil {
		return answer, nil
	}
	return answer, err
}

// send makes one searching call within the pace and the time-out.
func (c *Connector) send(ctx context.Context, l *line, r *ldap.SearchRequest) (*ldap.SearchResult, error) {
	if err := c.pace.Wait(ctx, bucket, defaultRate, time.Second); err != nil || ctx.Err() != nil {
		return nil, ended(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.CallTimeout, errTimeout)
	defer cancel()
	done := l.guard(ctx)
	defer done()
	answer, err := l.Search(r)
	if err != nil {
		return answer, c.refusal(ctx, err, false)
	}
	return answer, nil
}

// listed is what a listing gave.
type listed struct {
	entries int
	refs    []string // referrals that were not followed
	partial string   // why it is not everything; "" when it is
}

// listing is a search of everything that a filter finds below the base.
type listing struct {
	filter string
	attrs  []string
	tally  *tally
	reset  func()                         // drops what came before: the listing begins again
	each   func(*line, *ldap.Entry) error // takes an entry
}

// list reads all pages of a search on the listing connection. When a page fails
// in a way that passes, it begins again: a page cannot be had alone, since the
// server's state of the pages ends with the connection. A listing that the server
// cuts short comes back as partial.
func (c *Connector) list(ctx context.Context, q listing) (listed, error) {
	for try := 1; ; try++ {
		var got listed
		q.reset()
		err := c.on(ctx, &c.listing, func(l *line) error { return c.pages(ctx, l, q, &got) })
		switch number := code(err); {
		case err == nil:
			return got, nil
		case number == codeSizeLimit || number == codeAdminLimit || number == codeTimeLimit:
			got.partial = limitSay(number, got.entries)
			return got, nil
		case !fault.Retryable(err) || try == tries || ctx.Err() != nil:
			return got, err
		}
		q.tally.retries++
		q.tally.restarts++
		wait := firstWait << (2 * (try - 1))
		wait += rand.N(wait/4 + 1) //nolint:gosec // jitter
		c.o.Logger.WarnContext(ctx, "listing begins again", "err", err, "wait", wait)
		if c.o.Sleep(ctx, wait) != nil {
			return got, err
		}
	}
}

// limitSay is why a limit of the server makes a listing incomplete, with the way
// on.
func limitSay(number uint16, entries int) string {
	what, was := "size", "数量"
	switch number {
	case codeTimeLimit:
		what, was = "time", "时间"
	case codeAdminLimit:
		what, was = "administrative", "管理"
	}
	n := itoa(entries)
	return "the directory's " + what + " limit cut the listing after " + n + " entries: lift it for the account (OpenLDAP: limits dn.exact=\"BIND_DN\" size=unlimited time=unlimited)" +
		" / 目录的" + was + "上限使列表在 " + n + " 条后中断：请为该账号放开（OpenLDAP：limits dn.exact=\"BIND_DN\" size=unlimited time=unlimited）"
}

// pages reads the pages once. What the server refers elsewhere is noted.
func (c *Connector) pages(ctx context.Context, l *line, q listing, got *listed) error {
	paging := ldap.NewControlPaging(uint32(c.o.PageSize)) //nolint:gosec // at most 10000
	for range maxPages {
		r := ldap.NewSearchRequest(c.o.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, q.filter, q.attrs, []ldap.Control{paging})
		answer, err := c.send(ctx, l, r)
		if err == nil || code(err) != 0 {
			q.tally.pages++
		}
		if answer != nil {
			for _, e := range answer.Entries {
				got.entries++
				if err := q.each(l, e); err != nil {
					return err
				}
			}
			for _, ref := range answer.Referrals {
				if !harmless(ref) {
					got.refs = append(got.refs, ref)
				}
			}
		}
		if err != nil {
			return err
		}
		next, ok := ldap.FindControl(answer.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(next.Cookie) == 0 {
			return nil
		}
		if len(answer.Entries) == 0 && bytes.Equal(next.Cookie, paging.Cookie) {
			return errCircle
		}
		paging.SetCookie(next.Cookie)
	}
	return errCircle
}

var errCircle = fault.New(fault.Unavailable, "the directory's pages go round in circles / 目录的分页没有尽头")

// harmless tells whether a referral leads to a part of Active Directory that
// holds no people: it names these for every search from the domain's top.
func harmless(ref string) bool {
	ref = strings.ToLower(ref)
	for _, part := range []string{"/dc=domaindnszones,", "/dc=forestdnszones,", "/cn=configuration,", "/cn=schema,"} {
		if strings.Contains(ref, part) {
			return true
		}
	}
	return false
}

// anything is the filter that every entry matches.
const anything = "(objectClass=*)"

// one reads the entry that is the query's base; ok is false when it is not there
// or does not match the filter, which is anything by default.
func (c *Connector) one(ctx context.Context, l *line, q query) (e *ldap.Entry, ok bool, err error) {
	q.scope, q.filter = ldap.ScopeBaseObject, cmp.Or(q.filter, anything)
	answer, err := c.search(ctx, l, q)
	switch {
	case code(err) == codeNotThere:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case len(answer.Entries) != 1:
		return nil, false, nil
	default:
		return answer.Entries[0], true, nil
	}
}

var errRange = errors.New("the values of an attribute come without end")

// values gives all values of an attribute, of which Active Directory sends at
// most 1500 at a time, as "member;range=0-1499" (MS-ADTS 3.1.1.3.1.3.3).
func (c *Connector) values(ctx context.Context, l *line, e *ldap.Entry, attribute string) ([]string, error) {
	if all := e.GetEqualFoldAttributeValues(attribute); len(all) > 0 {
		return all, nil
	}
	found, next, ranged := rangeOf(e, attribute)
	if !ranged {
		return nil, nil
	}
	all := found
	for range maxPages {
		if next < 0 {
			return all, nil
		}
		more, ok, err := c.one(ctx, l, query{base: e.DN, attrs: []string{attribute + ";range=" + itoa(next) + "-*"}})
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		found, after, ranged := rangeOf(more, attribute)
		if !ranged || after >= 0 && after <= next {
			break
		}
		all, next = append(all, found...), after
	}
	return nil, fault.Wrap(fault.Unavailable, errRange, "the values of %[1]s cannot be read to their end / 无法读完 %[1]s 的全部值", attribute)
}
