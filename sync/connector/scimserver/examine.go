package scimserver

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

var _ connector.Examiner = (*Server)(nil)

// silent is how long a provider may be silent before that is said: Entra pushes
// changes every 40 minutes, and somebody changes nearly every week.
const silent = 14 * 24 * time.Hour

// Examine tells whether the provider has pushed, whether the first push is over,
// and when it came last. It calls nobody.
func (s *Server) Examine(ctx context.Context, _ connector.Use) []connector.Finding {
	pushed := connector.Text{ZH: "收到推送", EN: "receive pushes"}
	state, err := s.state(ctx)
	if err != nil {
		say := fault.Say(err)
		return []connector.Finding{{
			Capability: connector.Text{ZH: "读取数据库", EN: "read the record"}, Level: connector.Refused,
			Say: connector.Text{ZH: fault.In(say, "zh-CN"), EN: fault.In(say, "en")},
			Do:  connector.Text{ZH: "看看体检里 record 一项", EN: "look at what is said of the record"},
		}}
	}
	found := []connector.Finding{{Capability: connector.Text{ZH: "令牌", EN: "token"}, Level: connector.Works, Say: connector.Text{ZH: "已设置", EN: "is set"}}}
	if state.First.IsZero() {
		return append(found, connector.Finding{
			Capability: pushed, Level: connector.Hidden,
			Say: connector.Text{ZH: "还没有任何推送，不会判定任何人离职", EN: "nothing was ever pushed: nobody is taken for gone"},
			Do:  s.setUp(),
		})
	}
	return append(found, s.lastPush(state), s.first(state), s.content(ctx))
}

// setUp says what to enter at the provider.
func (s *Server) setUp() connector.Text {
	at := s.o.BaseURL
	if at == "" {
		at = "https://…" + s.o.Path
	}
	t := connector.Text{
		ZH: "在身份提供方填写：地址 " + at + "，令牌为配置里的 token（Okta：Provisioning → Integration；Entra：预配 → 管理员凭据），测试连接后开启预配",
		EN: "at the provider, enter the address " + at + " and the token of the configuration (Okta: Provisioning → Integration; Entra: Provisioning → Admin Credentials), test it and switch provisioning on",
	}
	if s.o.BaseURL == "" {
		t.ZH += "；地址的前半段是 server.public_url"
		t.EN += "; its first half is server.public_url"
	}
	return t
}

func (s *Server) lastPush(state shelf.State) connector.Finding {
	when, ago := state.Last.UTC().Format("2006-01-02 15:04"), s.o.Now().Sub(state.Last)
	f := connector.Finding{
		Capability: connector.Text{ZH: "收到推送", EN: "receive pushes"}, Level: connector.Works,
		Say: connector.Text{ZH: "最近一次 " + when + " UTC", EN: "last at " + when + " UTC"},
	}
	if ago > silent {
		days := int(ago / (24 * time.Hour))
		f.Level = connector.Unverified
		f.Say.ZH += fmt.Sprintf("，已 %d 天没有推送，请确认预配仍在运行", days)
		f.Say.EN += fmt.Sprintf(", silent for %d days: is provisioning still on?", days)
	}
	return f
}

// first tells whether an absence proves anything.
func (s *Server) first(state shelf.State) connector.Finding {
	f := connector.Finding{Capability: connector.Text{ZH: "可见全员", EN: "whole company visible"}, Level: connector.Works}
	switch {
	case s.o.Contents == Partial:
		f.Say = connector.Text{ZH: "按配置只是一部分人，不在其中不代表离职", EN: "a part as configured: nobody who is missing has left"}
	case !s.settled(state):
		f.Level = connector.Unverified
		f.Say = connector.Text{
			ZH: "首次推送尚未结束：一小时没有新写入即为结束，在那之前不会判定任何人离职",
			EN: "the first push is not over: an hour without a write ends it, and until then nobody is taken for gone",
		}
	}
	return f
}

func (s *Server) content(ctx context.Context) connector.Finding {
	f := connector.Finding{Capability: connector.Text{ZH: "读取成员和组", EN: "read users and groups"}, Level: connector.Works}
	users, err := s.o.Shelf.ShelfCount(ctx, shelf.Query{System: s.o.System, Kind: shelf.User})
	groups := 0
	if err == nil {
		groups, err = s.o.Shelf.ShelfCount(ctx, shelf.Query{System: s.o.System, Kind: shelf.Group})
	}
	if err != nil {
		say := fault.Say(s.read503(err))
		f.Level, f.Say = connector.Refused, connector.Text{ZH: fault.In(say, "zh-CN"), EN: fault.In(say, "en")}
		f.Do = connector.Text{ZH: "看看体检里 record 一项", EN: "look at what is said of the record"}
		return f
	}
	f.Say = connector.Text{ZH: fmt.Sprintf("%d 人，%d 个组", users, groups), EN: fmt.Sprintf("users %d, groups %d", users, groups)}
	return f
}
