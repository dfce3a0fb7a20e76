package connector_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	_ "github.com/rollcallhq/rollcall/sync/connector/connectortest" // the flag -update, which make generate gives to all tests from here down
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestFailed(t *testing.T) {
	t.Parallel()
	do := connector.Text{ZH: "点这里", EN: "click here"}
	refused := fault.New(fault.Credential, "no / 不行")
	refused.Code = "48009"
	f := connector.Failed(connector.Text{ZH: "读", EN: "read"}, refused, do)
	if f.Level != connector.Refused || f.Say != (connector.Text{ZH: "不行 [48009]", EN: "no [48009]"}) || f.Do != do {
		t.Errorf("%+v", f)
	}
	for _, kind := range []fault.Kind{fault.Unavailable, fault.Limited} {
		f = connector.Failed(connector.Text{}, fault.New(kind, "busy / 忙"), do)
		if f.Do == do || !strings.Contains(f.Do.ZH, "一分钟后再试") || f.Say.ZH != "忙" {
			t.Errorf("%s: %+v", kind, f)
		}
	}
}

func TestUseReads(t *testing.T) {
	t.Parallel()
	u := connector.Use{
		Read: []connector.Named{{Kind: directory.User, Name: "a"}}, Write: []connector.Named{{Kind: directory.Department, Name: "b"}},
	}
	if !u.Reads(directory.User, "a") || !u.Reads(directory.Department, "b") || u.Reads(directory.User, "b") || u.Reads(directory.Department, "a") {
		t.Error("the kind or the name is not looked at")
	}
}
