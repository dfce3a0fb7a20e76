package dingtalk_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
)

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
	connectortest.Docs(t, "dingtalk", connectortest.Section{Info: c.Describe()})
}
