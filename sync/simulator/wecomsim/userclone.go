package wecomsim

import (
	"maps"
	"slices"
)

// clone gives a copy that shares nothing with u.
func (u *User) clone() User {
	c := *u
	c.BizMailAlias = slices.Clone(u.BizMailAlias)
	c.Departments = slices.Clone(u.Departments)
	c.Order = slices.Clone(u.Order)
	c.IsLeader = slices.Clone(u.IsLeader)
	c.DirectLeaders = slices.Clone(u.DirectLeaders)
	c.Texts = maps.Clone(u.Texts)
	c.Webs = maps.Clone(u.Webs)
	return c
}

// clone gives a copy that shares nothing with m.
func (m *member) clone() *member {
	c := *m
	c.User = m.User.clone()
	return &c
}
