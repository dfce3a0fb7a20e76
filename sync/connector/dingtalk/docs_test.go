package dingtalk_test

import (
	"flag"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
)

var update = flag.Bool("update", false, "write the capability tables in docs")

// TestDocs checks that the capability tables in docs are what Describe says.
func TestDocs(t *testing.T) {
	t.Parallel()
	c, err := dingtalk.New(dingtalk.Options{
		ClientID: "dingclient", ClientSecret: secret, HTTPClient: &http.Client{}, Now: func() time.Time { return time.Time{} },
		CustomAttributes: []string{"<name>"}, Disable: dingtalk.DisableMove, Quarantine: "123456",
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, zh := range map[string]bool{"dingtalk.md": false, "dingtalk.zh-CN.md": true} {
		path := "../../../docs/systems/" + file
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := connectortest.Insert(string(page), connectortest.Table(c.Describe(), zh))
		switch {
		case !ok:
			t.Errorf("%s has no marks for its table", file)
		case *update:
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		case want != string(page):
			t.Errorf("the table in %s is out of date: run the test with -update", file)
		}
	}
}
