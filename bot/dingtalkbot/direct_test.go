package dingtalkbot_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

const uploadPath = "/media/upload"

// alone is a private answer to somebody who asked in the group: the group, its
// session and the mention are in it too, and must not be used.
func (w *world) alone(to string) bot.Outgoing {
	o := w.answering(info(), dingtalksim.SayOptions{})
	o.To = to
	return o
}

func TestToOnePersonAlone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	if !w.bot.Can().Direct || !w.bot.Can().Files {
		t.Errorf("%+v", w.bot.Can())
	}
	place, err := w.bot.Send(t.Context(), w.alone("u2"), "k", "")
	if err != nil || place != "" {
		t.Fatal(place, err)
	}
	got := w.Messages(dingtalksim.Direct("u2"))
	if len(got) != 1 || got[0].Via != dingtalksim.ViaSingle || got[0].Title != info().Title || len(w.Messages(room)) != 0 {
		t.Errorf("%+v, in the group %+v", got, w.Messages(room))
	}
	if _, err := w.bot.Send(t.Context(), w.alone("nobody"), "k", ""); fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.Say(err), "可见范围") {
		t.Errorf("%v", err)
	}
	w.SetFlowControlled("u2")
	if _, err := w.bot.Send(t.Context(), w.alone("u2"), "k", ""); fault.KindOf(err) != fault.Limited || fault.After(err) != 10*time.Minute {
		t.Errorf("%v", err)
	}
	for _, to := range []string{"@all", "u2 u1", "u2,u1"} {
		if _, err := w.bot.Send(t.Context(), w.alone(to), "k", ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", to, err)
		}
	}
	if len(w.Messages(room)) != 0 {
		t.Errorf("the group heard %+v", w.Messages(room))
	}
	w.innocent()
}

func list() *bot.File {
	return &bot.File{Name: "7K3MQ2.csv", Run: "7K3MQ2", Data: []byte("op,id\nDELETE,王磊\n")}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	for name, chat := range map[string]string{"alone": dingtalksim.Direct("u2"), "group": room} {
		o := out(info())
		if name == "alone" {
			o.To = "u2"
		}
		o.File = list()
		if _, err := w.bot.Send(t.Context(), o, "k-"+name, ""); err != nil {
			t.Fatal(name, err)
		}
		got := w.Messages(chat)
		if len(got) != 2 || got[0].Kind != "markdown" || got[1].Kind != "sampleFile" || got[1].Title != "7K3MQ2.zip" {
			t.Fatalf("%s: %+v", name, got)
		}
		m, ok := w.Media(got[1].Text)
		z, err := zip.NewReader(bytes.NewReader(m.Data), int64(len(m.Data)))
		if !ok || err != nil || len(z.File) != 1 || z.File[0].Name != "7K3MQ2.csv" {
			t.Fatalf("%s: %v %+v", name, err, m)
		}
		inside, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := io.ReadAll(inside); err != nil || string(raw) != string(o.File.Data) {
			t.Errorf("%s: %q %v", name, raw, err)
		}
	}
	// What DingTalk takes as it is goes as it is.
	if _, name, kind, err := w.bot.Upload(t.Context(), bot.File{Name: "a/b.XLSX", Data: []byte("x")}); err != nil || name != "a_b.XLSX" || kind != "xlsx" {
		t.Errorf("%q %q %v", name, kind, err)
	}
	w.innocent()
}

// TestFilesAreTriedAgain: the words are said once, however often the file is tried.
func TestFilesAreTriedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	o := out(info())
	o.To, o.File = "u2", list()
	const send = "/v1.0/robot/oToMessages/batchSend"
	w.Inject(dingtalksim.Fault{Path: uploadPath})
	if _, err := w.bot.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.Unavailable || len(w.Messages(dingtalksim.Direct("u2"))) != 0 {
		t.Fatalf("%v", err)
	}
	w.Inject(dingtalksim.Fault{Path: uploadPath, Errcode: 40014})
	w.Inject(dingtalksim.Fault{Path: send, Late: true, Body: `{"processQueryKey":"x"}`, Status: 200})
	w.Inject(dingtalksim.Fault{Path: send, Status: 403, Code: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"})
	if _, err := w.bot.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.Limited {
		t.Fatalf("%v", err)
	}
	if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.Messages(dingtalksim.Direct("u2")); len(got) != 2 || got[1].Kind != "sampleFile" {
		t.Errorf("%+v", got)
	}
	w.innocent()
}

// TestFilesThatCannotGo: the words come all the same, and say why and what else.
func TestFilesThatCannotGo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		f    dingtalksim.Fault
		data []byte
		say  string
	}{
		"empty":         {data: nil, say: "文件是空的"},
		"no permission": {f: dingtalksim.Fault{Path: uploadPath, Body: `{"errcode":88,"sub_code":"60011"}`}, data: list().Data, say: "qyapi_base"},
		"token":         {f: dingtalksim.Fault{Path: uploadPath, Errcode: 40014, Times: 2}, data: list().Data, say: "令牌"},
		"refused":       {f: dingtalksim.Fault{Path: uploadPath, Errcode: 40004}, data: list().Data, say: "拒绝"},
	} {
		w := setup(t)
		if tt.f.Path != "" {
			w.Inject(tt.f)
		}
		o := out(info())
		o.To, o.File = "u2", list()
		o.File.Data = tt.data
		if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
			t.Fatal(name, err)
		}
		got := w.Messages(dingtalksim.Direct("u2"))
		if len(got) != 1 || !strings.Contains(got[0].Text, tt.say) || !strings.Contains(got[0].Text, "rollcall runs 7K3MQ2") {
			t.Errorf("%s: %+v", name, got)
		}
		w.innocent()
	}
	w := setup(t)
	o := out(info())
	o.Lang, o.File = bot.EN, list()
	w.Inject(dingtalksim.Fault{Path: "/v1.0/robot/groupMessages/send", Late: true, Body: "{}", Status: 200})
	w.Inject(dingtalksim.Fault{Path: "/v1.0/robot/groupMessages/send", Status: 400, Code: "invalidParameter.msg.unsupport"})
	if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.Messages(room); len(got) != 2 || got[1].Kind != "text" || !strings.Contains(got[1].Text, "The file was not sent: ") {
		t.Errorf("%+v", got)
	}
}

// TestA15_CardElsewhere: a press counts only on a card of ours at its own place.
func TestA15_CardElsewhere(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	stop := w.listen(1)
	w.AddConversation("cidOTHER==", "别的群", "", "u1", "u2")
	place, err := w.bot.Send(t.Context(), live(ask()), "letter-1", "")
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := w.Card(place); c.Forward {
		t.Error("the card may be forwarded")
	}
	own := w.pressOf(corp)
	if m, err := w.bot.Pressed(own); err != nil || m.Chat != room || m.Press.Card != w.bot.Track("letter-1", room) {
		t.Fatalf("%+v %v", m, err)
	}
	for name, change := range map[string][2]string{
		"another group":  {room, "cidOTHER=="},
		"another card":   {place, "c1"},
		"somebody's id":  {place, place[:32] + strings.Repeat("0", 16)},
		"a private chat": {`"IM_GROUP"`, `"IM_ROBOT"`},
	} {
		f := *own
		f.Data = strings.Replace(own.Data, change[0], change[1], 1)
		if m, err := w.bot.Pressed(&f); err == nil || m.Press != nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	// And over the wire: the person is told, and nobody else hears of it.
	if _, err := w.Click(t.Context(), dingtalksim.Click{OutTrackID: place, Staff: "u2", ActionID: "1"}); err != nil {
		t.Fatal(err)
	}
	w.next()
	stop()
	if c, _ := w.Card(place); c.Private["u2"]["notice"] != "" {
		t.Errorf("%+v", c.Private)
	}
	w.innocent()
}

// TestA13_UnknownSenders: a message of nobody, of another corp, or by an unknown
// way is marked so that nothing obeys it.
func TestA13_UnknownSenders(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	for name, o := range map[string]dingtalksim.SayOptions{
		"no staff id": {EmptyStaffID: true}, "another corp": {SenderCorpID: "dingother"}, "robot of another corp": {ChatbotCorpID: "dingother"},
	} {
		w.say("批准 7K3MQ2 删除=3", o)
		m := w.next()
		if name == "no staff id" && len(m.Sender) != 0 || name != "no staff id" && !m.Foreign {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestA42_NoSecretsInLogs: neither tokens nor sessions nor names get there, also
// with everything going wrong.
func TestA42_NoSecretsInLogs(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	w.listen(1)
	w.SetPermission(dingtalksim.ScopeCard, false)
	w.Inject(dingtalksim.Fault{Path: uploadPath, Drop: true})
	w.Inject(dingtalksim.Fault{Path: "/robot/sendBySession", Errcode: 300001})
	card := info()
	card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: "王磊-canary"}})
	o := w.answering(card, dingtalksim.SayOptions{})
	o.Live, o.File = "card:1", list()
	for range 3 {
		_, _ = w.bot.Send(t.Context(), o, "k", "")
	}
	if s := w.log.String(); strings.Contains(s, "canary") || strings.Contains(s, "access_token=") || strings.Contains(s, "王磊") {
		t.Errorf("log: %s", s)
	}
	w.innocent()
}
