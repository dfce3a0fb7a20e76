package main

import (
	"net/http"
	"slices"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/dialer"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
)

// source gives the connector of a system, made when it is first asked for.
func (a *app) source(name string) (connector.Source, error) {
	a.making.Lock()
	defer a.making.Unlock()
	if s, ok := a.sources[name]; ok {
		return s, nil
	}
	sys, ok := a.cfg.System(name)
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no system %[1]s / 没有系统 %[1]s", name)
	}
	s, err := a.connect(sys)
	if err != nil {
		return nil, err
	}
	a.sources[name] = s
	return s, nil
}

// connect is the table of connectors.
func (a *app) connect(sys *configs.System) (connector.Source, error) {
	log := a.log.With("system", sys.Name)
	switch sys.Type {
	case "file":
		return rosterfile.New(a.rosterOptions(sys))
	case "feishu":
		f := sys.Feishu
		return feishu.New(feishu.Options{
			AppID: f.AppID, AppSecret: f.AppSecret.Reveal(), BaseURL: f.BaseURL, UserIDType: f.UserIDType,
			Acceptor: f.Acceptor, CustomAttributes: f.CustomAttributes, Leads: f.Leads, Resurrect: f.Resurrect,
			SubscriptionIDs: f.SubscriptionIDs, CallTimeout: a.cfg.Timing.Call.Std(),
			Zone: a.cfg.Location(), HTTPClient: a.client(sys.Name, f.BaseURL), Now: a.p.now, Logger: log, Tokens: a.feishuTokens(f), Pace: a.pacer(sys.Name),
		})
	case "wecom":
		w := sys.WeCom
		return wecom.New(wecom.Options{
			CorpID: w.CorpID, ContactsSecret: w.ContactsSecret.Reveal(), AppSecret: w.AppSecret.Reveal(), BaseURL: w.BaseURL,
			ExtAttrs: w.CustomAttributes, CallTimeout: a.cfg.Timing.Call.Std(), HTTPClient: a.client(sys.Name, w.BaseURL), Now: a.p.now, Logger: log,
			Invite: w.Invite, Pace: a.pacer(sys.Name),
		})
	case "dingtalk":
		return a.dingtalkSource(sys)
	case "ldap":
		return a.ldapSource(sys)
	case "scim":
		return a.scimSource(sys)
	case "scim_server":
		return a.scimServerSource(sys)
	case "sql":
		return a.sqlSource(sys)
	default:
		return nil, fault.New(fault.Unsupported, "system %[1]s: this version cannot read or write %[2]s contacts / 系统 %[1]s：此版本还不能读写 %[2]s 通讯录", sys.Name, sys.Type)
	}
}

func (a *app) rosterOptions(sys *configs.System) rosterfile.Options {
	f := sys.File
	o := rosterfile.Options{
		System: sys.Name, Path: a.cfg.Resolve(f.Path), Sheet: f.Sheet, ID: f.ID, Contents: f.Contents, Encoding: f.Encoding,
		Delimiter: f.Delimiter, HeaderRow: f.HeaderRow, Now: a.p.now, Zone: a.cfg.Location(), Logger: a.log.With("system", sys.Name),
		Disabled: f.Disabled, Root: f.Root, CallTimeout: a.cfg.Timing.Call.Std(),
	}
	// A file that is read for a flow must be there: without it everybody would seem
	// to have left.
	for _, flow := range a.cfg.Flows {
		o.Target = o.Target || flow.To == sys.Name
	}
	for _, flow := range a.cfg.Flows {
		o.Target = o.Target && flow.From != sys.Name
	}
	for i := range a.cfg.Flows {
		if a.cfg.Flows[i].From != sys.Name {
			continue
		}
		for _, n := range sourceNames(&a.cfg.Flows[i]) {
			if n.Kind == directory.User && !everywhere(n.Named) && !slices.Contains(o.Needs, n.Name) {
				o.Needs = append(o.Needs, n.Name)
			}
		}
	}
	for _, c := range f.Attributes {
		o.Attributes = append(o.Attributes, rosterfile.Attribute{Name: c.Name, Column: c.Column, Type: c.Type, Format: c.Format})
	}
	return o
}

// feishuTokens gives the token source of an app: contacts and chat of one app
// share it.
func (a *app) feishuTokens(f *configs.FeishuSystem) *feishutoken.Source {
	key := f.BaseURL + " " + f.AppID
	if a.tokens[key] == nil {
		a.tokens[key] = feishutoken.New(feishutoken.Options{
			BaseURL: f.BaseURL, AppID: f.AppID, AppSecret: f.AppSecret.Reveal(), HTTPClient: a.client("tokens.feishu", f.BaseURL), Now: a.p.now,
		})
	}
	return a.tokens[key]
}

// httpClient makes a client that may call the given addresses of the
// configuration wherever they lead, and others on the internet alone.
func (a *app) httpClient(configured ...string) *http.Client { return a.dialer(configured...).Client() }

// dialer makes the connections of a client; see sync/dialer.
func (a *app) dialer(configured ...string) *dialer.Dialer {
	o := dialer.Options{Trusted: configured, AllowPrivate: a.cfg.Outbound.AllowedPrivate()}
	if a.cfg.Outbound.Proxy == "environment" {
		o.Proxy = http.ProxyFromEnvironment
	}
	d, err := dialer.New(o)
	if err != nil {
		// The connector says what is wrong with its address; until then nothing
		// private is called.
		o.Trusted = nil
		d, _ = dialer.New(o) // without addresses nothing can be wrong
	}
	return d
}
