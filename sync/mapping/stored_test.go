package mapping_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// TestLinkStoredAndReadBack stores a link in which every field is set, so that a
// field that is lost on the way shows.
func TestLinkStoredAndReadBack(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	l := mapping.Link{
		Flow: "f", Source: directory.Key{Kind: directory.User, ID: "1"}, Target: directory.Key{Kind: directory.User, ID: "2"}, Origin: mapping.Adopted, Since: at,
		Written: attrs{"a": text("x"), "d": directory.RefsToKind(directory.Department, "7")}, Seen: attrs{"b": text("")}, DisabledAt: at, DeletedAt: at, LeftRuns: 2,
	}
	in := reflect.ValueOf(l)
	for i := range in.NumField() {
		if in.Field(i).IsZero() {
			t.Errorf("%s is not set: this test would not see it lost", in.Type().Field(i).Name)
		}
	}
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var back mapping.Link
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back.Written.Digest() != l.Written.Digest() || back.Seen.Digest() != l.Seen.Digest() {
		t.Errorf("%+v", back)
	}
	back.Written, back.Seen = l.Written, l.Seen
	if !reflect.DeepEqual(back, l) {
		t.Errorf("got  %+v\nwant %+v", back, l)
	}
	short, err := json.Marshal(mapping.Link{Flow: "f", Source: l.Source, Target: l.Target, Origin: mapping.Created, Since: at})
	want := `{"flow":"f","source":{"kind":"user","id":"1"},"target":{"kind":"user","id":"2"},"origin":"created","since":"2026-03-01T09:00:00Z"}`
	if err != nil || string(short) != want {
		t.Errorf("%s, %v", short, err)
	}
}
