package configs

import "slices"

// flowRooms checks the rooms of a flow, and that it can be voted on.
func (c *checker) flowRooms(path string, f *Flow) {
	at := child(path, "rooms")
	c.roomRefs(at, f.Rooms)
	callbacks, places := 0, 0
	for i, name := range f.Rooms {
		r, ok := c.cfg.Room(name)
		if !ok {
			places++ // reported; what it would be is not known
			continue
		}
		if !covers(r.Flows, f.Name) {
			c.err(c.element(at, i), say("群 %[1]s 的 flows 里没有 %[2]s；请加上，否则那里不能用命令和投票", "the room %[1]s does not list %[2]s in its flows; add it, or nobody can command or vote there", short(name), short(f.Name)))
		}
		switch {
		case r.Platform == "dingtalk" && c.cfg.Bots.DingTalk != nil && c.cfg.Bots.DingTalk.Receive == callback:
			callbacks++
		case r.Platform != "wecom":
			places++
		}
	}
	switch {
	case places > 0 || c.votesByCLI(f):
	case callbacks > 0:
		c.err(at, say("只有用 HTTP 回调的钉钉群，那里不能批准（签名不覆盖消息内容）；请改用 receive: stream，加一个飞书群，或给审批人配 totp", "has only DingTalk rooms by HTTP callback, where nobody can approve (the signature does not cover the message); use receive: stream, add a Feishu room, or give an approver a totp"))
	case len(f.Rooms) == 0 && f.deletes():
		c.warn(path, say("会删除账号，但没有 rooms；没有地方可以投票", "can delete accounts but has no rooms; there is no place to vote"))
	case len(f.Rooms) > 0:
		c.warn(at, say("这些群里都不能投票；请加一个飞书群或钉钉群", "nobody can vote in any of these rooms; add a room in Feishu or DingTalk"))
	}
}

// votesByCLI tells whether an approver of the flow can vote from a terminal.
func (c *checker) votesByCLI(f *Flow) bool {
	return slices.ContainsFunc(c.cfg.People, func(p Person) bool {
		return covers(p.Roles.Approver, f.Name) && p.TOTP.IsSet()
	})
}

// voters warns about a flow that too few people can approve. The likely
// requester is the operator who leaves the most approvers over.
func (c *checker) voters(path string, f *Flow) {
	approvers, operators, free := 0, 0, false
	for i := range c.cfg.People {
		r := c.cfg.People[i].Roles
		approves := covers(r.Approver, f.Name)
		operates := covers(r.Operator, f.Name) || covers(r.Admin, f.Name)
		if approves {
			approvers++
		}
		if operates {
			operators++
			free = free || !approves
		}
	}
	left := approvers
	if operators > 0 && !free {
		left--
	}
	switch {
	case approvers == 0:
		c.warn(path, say("没有审批人，所以谁也不能批准；需要投票的变更会一直等到过期。请给人加上 roles.approver", "has no approver, so nobody may approve; changes that need a vote wait until they expire. Give people roles.approver"))
	case left < 2:
		c.warn(path, say("除了发起人，只有 %d 个审批人；不足两人时，有一个人不在就没人能批准。请再加审批人", "has %d approver(s) besides the likely requester; with fewer than two, one absence stops every approval. Add approvers", left))
	}
}
