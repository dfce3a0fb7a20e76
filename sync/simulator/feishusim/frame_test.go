package feishusim

import (
	"encoding/hex"
	"reflect"
	"testing"
)

// pingHex is the first frame that the official client sends.
const pingHex = "0800100018f681801020002a0c0a0474797065120470696e6732003a004a00"

func TestFrameVector(t *testing.T) {
	t.Parallel()
	ping := Frame{Service: serviceID, Headers: []Header{{"type", "ping"}}}
	if got := hex.EncodeToString(ping.Marshal()); got != pingHex {
		t.Errorf("ping: %s", got)
	}
	raw, err := hex.DecodeString(pingHex)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseFrame(raw)
	if err != nil || !reflect.DeepEqual(got, ping) {
		t.Errorf("parsed: %+v, %v", got, err)
	}
}

func TestFrameRound(t *testing.T) {
	t.Parallel()
	for _, f := range []Frame{
		{},
		{SeqID: 1<<64 - 1, LogID: 7, Service: -1, Method: MethodData, Payload: []byte{}},
		{SeqID: 300, Headers: []Header{{"a", ""}, {"a", "b"}}, PayloadEncoding: "gzip", PayloadType: "json", Payload: []byte("{}"), LogIDNew: "x"},
	} {
		got, err := ParseFrame(f.Marshal())
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%+v became %+v, %v", f, got, err)
		}
	}
}

func TestFrameRefusals(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":               "",
		"a required missing":  "080010001800",
		"cut length":          "0800100018002000" + "2a0c0a04",
		"wrong wire type":     "0a0100" + "100018002000",
		"header without text": "0800100018002000" + "2a020a00",
		"endless number":      "08ffffffffffffffffffffff01",
		"field zero":          "0000",
		"group wire type":     "0800100018002000" + "53",
		"cut fixed64":         "0800100018002000" + "510000",
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := ParseFrame(raw); err == nil {
			t.Errorf("%s: accepted as %+v", name, f)
		}
	}
	// Unknown fields of every other wire type are skipped.
	raw, _ := hex.DecodeString("0800100018002000" + "510000000000000000" + "5500000000" + "5001" + "520161")
	if _, err := ParseFrame(raw); err != nil {
		t.Errorf("unknown fields: %v", err)
	}
}

func FuzzParseFrame(f *testing.F) {
	raw, _ := hex.DecodeString(pingHex)
	f.Add(raw)
	f.Add((&Frame{SeqID: 9, Method: MethodData, Payload: []byte("{}")}).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseFrame(b)
		if err != nil {
			return
		}
		again, err := ParseFrame(got.Marshal())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("%+v became %+v, %v", got, again, err)
		}
	})
}
