package dingtalksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The types and topics of frames.
const (
	typeSystem   = "SYSTEM"
	typeCallback = "CALLBACK"
	typeEvent    = "EVENT"

	topicPing       = "ping"
	topicDisconnect = "disconnect"
	topicBot        = "/v1.0/im/bot/messages/get"
	topicCard       = "/v1.0/card/instances/callback"
)

// frame is one message from the platform to a Stream client.
type frame struct {
	SpecVersion string            `json:"specVersion"`
	Type        string            `json:"type"`
	Headers     map[string]string `json:"headers"` // values are strings, the time too
	Data        string            `json:"data"`    // JSON as text
}

// newFrame makes a frame with a new id for one connection.
func newFrame(c *connection, topic, data string) frame {
	kind := typeCallback
	if topic == topicPing || topic == topicDisconnect {
		kind = typeSystem
	}
	return frame{
		SpecVersion: "1.0", Type: kind, Data: data,
		Headers: map[string]string{
			"appId": c.appID, "connectionId": c.id, "contentType": "application/json",
			"messageId": newID("frame-"), "topic": topic,
		},
	}
}

func (f frame) id() string { return f.Headers["messageId"] }

func (f frame) encode(now time.Time) ([]byte, error) {
	f.Headers["time"] = millis(now)
	data, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return data, nil
}

// Ack is a Stream client's answer to one frame.
type Ack struct {
	Code      int    // 200 done, 404 no handler, 500 failed
	Message   string // free text
	Data      string // JSON as text; only pings and card callbacks are read
	messageID string
}

// decodeAck reads an acknowledgement: code is a number, headers are strings
// and name the frame, data is absent or a string.
func decodeAck(raw []byte) (Ack, error) {
	o, err := decodeObject(raw)
	if err != nil {
		return Ack{}, err
	}
	code, isNumber := o["code"].(float64)
	if !isNumber || code != float64(int(code)) {
		return Ack{}, errors.New("decode ack: code is not a whole number")
	}
	headers, isMap := o.textMap("headers")
	if !isMap {
		return Ack{}, errors.New("decode ack: a header is not a string")
	}
	if headers["messageId"] == "" {
		return Ack{}, errors.New("decode ack: it names no messageId")
	}
	for _, key := range []string{"message", "data"} {
		if _, isText := o[key].(string); o[key] != nil && !isText {
			return Ack{}, fmt.Errorf("decode ack: %s is not a string", key)
		}
	}
	return Ack{
		Code: int(code), Message: o.text("message"), Data: o.text("data"), messageID: headers["messageId"],
	}, nil
}
