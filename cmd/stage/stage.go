// Package stage is a believable company to try Rollcall on: pretend tenants of
// Feishu, DingTalk and WeCom on loopback, a roster of 400 people, two chat
// groups, and a chat window for the terminal that can be scripted.
//
// It knows nothing of how Rollcall works: it speaks to it as the platforms and
// people do. It is for the demo and the chat transcripts.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// The credentials of the pretend tenants. They open nothing else.
const (
	encryptKey   = "demo-encrypt-key"
	verification = "demo-verification-token"
	hookSecret   = "demo-hook-secret"
	hookKey      = "demo-hook"
	robotKey     = "demo-robot-key"
	robotToken   = "demo-robot-token"
	robotSecret  = "SECdemo"
	// CallbackPath is where DingTalk posts when it does not use Stream.
	CallbackPath = "/callback/dingtalk/demo-0123456789abcdef"
	feishuPath   = "/callback/feishu"
	corpID       = "dingdemo"
	robotCode    = "ding-demo-robot"
	clientID     = "ding-demo"
	clientSecret = "ding-demo-secret"
	cardTemplate = "ding-demo-card.schema"

	contactsSecret = "contacts-secret"
)

const companySize = 400

// Options say how the stage is set.
type Options struct {
	Dir            string // for the roster, the rule and Rollcall's data
	Now            func() time.Time
	FeishuCallback bool // events come by HTTP instead of the long connection
	DingCallback   bool // messages come by HTTP instead of Stream
	Redis          string
	Record         string // the address of a PostgreSQL; "" = the embedded record
	Data           string // Rollcall's data folder; "" = data in Dir
	Timing         string // of Rollcall; "" = lease 3 s, sweep 300 ms, call 2 s, settle 500 ms
	Rule           string // the company's rule; "" = the three things that every HR asks for
	Cards          bool   // DingTalk's cards are interactive ones, of a template
	English        bool   // the Feishu group speaks English, the DingTalk group Chinese; else the other way round
}

// Stage is the set: tenants, company and rooms.
type Stage struct {
	Feishu   *feishusim.Sim
	DingTalk *dingtalksim.Sim
	WeCom    *wecomsim.Sim
	Roster   *Roster

	o       Options
	listen  atomic.Value // string: where Rollcall listens
	servers []*http.Server
	urls    map[string]string
	cast    []actor
}

// actor is one of the admins.
type actor struct{ name, english, openID, staffID, roles string }

func cast() []actor {
	return []actor{
		{"李敏", "limin", "ou_limin", "manager4220", `{operator: ["*"]}`},
		{"周凯", "zhoukai", "ou_zhoukai", "zhoukai77", `{approver: ["*"], admin: ["*"]}`},
		{"陈悦", "chenyue", "ou_chenyue", "chenyue08", `{approver: ["*"]}`},
		{"吴迪", "wudi", "ou_wudi", "wudi31", `{viewer: ["*"]}`},
	}
}

// Open starts the tenants on loopback and writes the company's files. Close
// stops them.
func Open(o Options) (*Stage, error) {
	s := &Stage{o: o, urls: map[string]string{}, cast: cast()}
	if s.o.Timing == "" {
		s.o.Timing = "{lease: 3s, sweep: 300ms, call: 2s, settle: 500ms}"
	}
	if s.o.Data == "" {
		s.o.Data = filepath.Join(o.Dir, "data")
	}
	s.Feishu = feishusim.New(feishusim.Options{Now: o.Now, EncryptKey: encryptKey, VerificationToken: verification, AckWait: ackWait})
	s.WeCom = wecomsim.New(wecomsim.Options{CorpID: "ww-demo", RootName: "星河科技", Now: o.Now, OldIP: true, ContactsSecret: contactsSecret})
	s.DingTalk = dingtalksim.New(dingtalksim.Options{
		ClientID: clientID, ClientSecret: clientSecret, CorpID: corpID, RobotCode: robotCode, Now: o.Now,
		AckWithin: ackWait, CallbackWithin: ackWait,
	})
	for name, h := range map[string]http.Handler{"feishu": s.Feishu.Handler(), "wecom": s.WeCom.Handler(), "dingtalk": s.DingTalk.Handler()} {
		if err := s.serve(name, h); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.DingTalk.SetBaseURL(s.urls["dingtalk"])
	if err := s.company(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.people()
	free, err := freeAddress()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.MovedTo(free)
	return s, nil
}

// ackWait is how long the pretend platforms wait for an acknowledgement: real
// ones wait 3 s, but a busy machine under the race detector is slow.
const ackWait = 20 * time.Second

func (s *Stage) serve(name string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, srv)
	s.urls[name] = "http://" + l.Addr().String()
	go func() { _ = srv.Serve(l) }() // ends with Close
	return nil
}

// freeAddress finds a port for Rollcall's own server.
func freeAddress() (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Close stops the tenants.
func (s *Stage) Close() error {
	var errs []error
	for _, srv := range s.servers {
		errs = append(errs, srv.Close())
	}
	s.DingTalk.Close()
	return errors.Join(errs...)
}

// company writes last month's people into WeCom and today's into the roster.
func (s *Stage) company() error {
	old := lastMonth(companySize)
	ids := map[string]int64{}
	for _, path := range departments() {
		cut := strings.LastIndex(path, "/")
		parent := int64(1)
		if cut > 0 {
			parent = ids[path[:cut]]
		}
		id, err := s.WeCom.AddDepartment(wecomsim.Department{Parent: parent, Name: path[cut+1:]})
		if err != nil {
			return fmt.Errorf("seed department %s: %w", path, err)
		}
		ids[path] = id
	}
	for _, p := range old {
		u := wecomsim.User{ID: p.no, Name: p.name, Mobile: p.mobile, Email: p.email, Position: p.title, Departments: []int64{ids[p.department]}, Status: wecomsim.StatusPending}
		if err := s.WeCom.AddUser(u); err != nil {
			return fmt.Errorf("seed %s: %w", p.no, err)
		}
	}
	s.Roster = &Roster{path: filepath.Join(s.o.Dir, "roster.csv"), rows: old}
	return s.Roster.save()
}

// Today lets a month pass in the roster.
func (s *Stage) Today() error {
	s.Roster.mu.Lock()
	defer s.Roster.mu.Unlock()
	s.Roster.rows = today(s.Roster.rows, s.o.Now())
	return s.Roster.save()
}

// people puts the admins into both groups.
func (s *Stage) people() {
	var open, staff []string
	for _, a := range s.cast {
		if _, err := s.Feishu.AddUser(feishusim.User{OpenID: a.openID, UserID: "u_" + a.english, Name: a.name, Mobile: "1370000" + strconv.Itoa(1000+len(open))}); err == nil {
			open = append(open, a.openID)
		}
		s.DingTalk.AddStaff(a.staffID, a.name)
		staff = append(staff, a.staffID)
	}
	s.Feishu.AddChat(feishuChat, "运维群", open...)
	s.DingTalk.AddConversation(dingChat, "HR sync", dingChat, staff...)
	s.Feishu.AddHook(hookKey, feishusim.HookOptions{Secret: hookSecret, Chat: feishuChat})
	s.WeCom.AddRobot(robotKey)
	s.DingTalk.AddRobot(robotToken, dingtalksim.RobotOptions{Conversation: dingChat, Secret: robotSecret})
}

const (
	feishuChat = "oc_ops"
	dingChat   = "cidDEMO=="
)

// Ready waits until the bots hear: a line that is said before is lost on the
// platforms that never send again.
func (s *Stage) Ready(ctx context.Context) error {
	if !s.o.DingCallback {
		if err := s.DingTalk.AwaitConnections(ctx, 1); err != nil {
			return err
		}
	}
	for !s.o.FeishuCallback && s.Feishu.Connections() == 0 {
		changed := s.Feishu.ConnectionsChanged()
		if s.Feishu.Connections() > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
	return nil
}

// MovedTo tells the stage where Rollcall listens: its configuration lets it choose
// a port.
func (s *Stage) MovedTo(address string) { s.listen.Store(address) }

func (s *Stage) address() string {
	address, _ := s.listen.Load().(string)
	return address
}
