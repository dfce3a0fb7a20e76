package wecomsim

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Callback is where the corp's contact events go (接收事件服务器).
type Callback struct {
	URL    string
	Token  string
	AESKey string // EncodingAESKey: 43 characters
	// Rand is where nonces and random prefixes come from. Nil means
	// crypto/rand.
	Rand io.Reader
}

// ContactEvent is one change_contact event in the form that callbacks
// configured since 2022-08-15 get: little more than ids. The corp's own API
// writes are not called back, as the vendor does not; a test sends an event
// after it changed something by a seeding function.
type ContactEvent struct {
	// Change is create_user, update_user, delete_user, create_party,
	// update_party or delete_party.
	Change      string
	UserID      string
	NewUserID   string  // update_user, if the id changed
	Departments []int64 // create_user, and update_user if they changed
	PartyID     int64
	ParentID    int64  // create_party, update_party
	Name        string // create_party, update_party
	Order       int64  // create_party
}

// contactXML is the plain text of an event.
type contactXML struct {
	XMLName    xml.Name `xml:"xml"`
	ToUser     cdata    `xml:"ToUserName"`
	FromUser   cdata    `xml:"FromUserName"`
	CreateTime int64    `xml:"CreateTime"`
	MsgType    cdata    `xml:"MsgType"`
	Event      cdata    `xml:"Event"`
	Change     cdata    `xml:"ChangeType"`
	UserID     *cdata   `xml:"UserID"`
	NewUserID  *cdata   `xml:"NewUserID"`
	Department *cdata   `xml:"Department"`
	ID         int64    `xml:"Id,omitempty"`
	Name       *cdata   `xml:"Name"`
	ParentID   int64    `xml:"ParentId,omitempty"`
	Order      int64    `xml:"Order,omitempty"`
}

type cdata struct {
	Text string `xml:",cdata"`
}

// envelopeXML is the body that carries an event.
type envelopeXML struct {
	XMLName xml.Name `xml:"xml"`
	ToUser  cdata    `xml:"ToUserName"`
	AgentID cdata    `xml:"AgentID"`
	Encrypt cdata    `xml:"Encrypt"`
}

// EventRequest makes the request that brings an event to a callback: an
// encrypted and signed POST. Each call encrypts anew, as a retry of the
// vendor's does.
func (s *Sim) EventRequest(ctx context.Context, to Callback, e ContactEvent) (*http.Request, error) {
	if e.Change == "" {
		return nil, errors.New("make event: no change type")
	}
	plain, err := xml.Marshal(s.contactXML(e))
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	encrypted, query, err := s.seal(to, plain)
	if err != nil {
		return nil, err
	}
	body, err := xml.Marshal(envelopeXML{ToUser: cdata{s.options.CorpID}, Encrypt: cdata{encrypted}})
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL+"?"+query.Encode(), strings.NewReader(string(body)))
	if err != nil {
		return nil, fmt.Errorf("make event request: %w", err)
	}
	request.Header.Set("Content-Type", "text/xml")
	return request, nil
}

// VerifyRequest makes the request by which the console checks a callback: the
// right answer is 200 with exactly echo as the body.
func (s *Sim) VerifyRequest(ctx context.Context, to Callback, echo string) (*http.Request, error) {
	encrypted, query, err := s.seal(to, []byte(echo))
	if err != nil {
		return nil, err
	}
	query.Set("echostr", encrypted)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to.URL+"?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("make verify request: %w", err)
	}
	return request, nil
}

func (s *Sim) contactXML(e ContactEvent) contactXML {
	out := contactXML{
		ToUser: cdata{s.options.CorpID}, FromUser: cdata{"sys"},
		CreateTime: s.options.Now().Unix(),
		MsgType:    cdata{"event"}, Event: cdata{"change_contact"}, Change: cdata{e.Change},
		ID: e.PartyID, ParentID: e.ParentID, Order: e.Order,
	}
	var ids []string
	for _, id := range e.Departments {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	out.UserID = present(e.UserID)
	out.NewUserID = present(e.NewUserID)
	out.Department = present(strings.Join(ids, ","))
	out.Name = present(e.Name)
	return out
}

func present(text string) *cdata {
	if text == "" {
		return nil
	}
	return &cdata{text}
}

// seal encrypts a text and makes the signed query that goes with it.
func (s *Sim) seal(to Callback, plain []byte) (string, url.Values, error) {
	source := to.Rand
	if source == nil {
		source = rand.Reader
	}
	var random [24]byte
	if _, err := io.ReadFull(source, random[:]); err != nil {
		return "", nil, fmt.Errorf("read random bytes: %w", err)
	}
	encrypted, err := encrypt(to.AESKey, random[:prefixSize], plain, s.options.CorpID)
	if err != nil {
		return "", nil, err
	}
	timestamp := strconv.FormatInt(s.options.Now().Unix(), 10)
	nonce := fmt.Sprintf("%x", random[prefixSize:])
	return encrypted, url.Values{
		"msg_signature": {sign(to.Token, timestamp, nonce, encrypted)},
		"timestamp":     {timestamp},
		"nonce":         {nonce},
	}, nil
}
