package dingtalksim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The limits of a card's data, in bytes.
const (
	cardKeyLimit   = 100
	cardValueLimit = 1024
)

// The kinds of place where a card can be delivered.
const (
	spaceGroup  = "IM_GROUP"
	spaceSingle = "IM_ROBOT"
)

// Card is the state of an interactive card.
type Card struct {
	OutTrackID string
	Template   string
	Stream     bool                         // clicks come back by Stream
	Params     map[string]string            // what everybody sees
	Private    map[string]map[string]string // by staff id: what only that person sees
	Recipients []string                     // who can see it; none = all
	Forward    bool                         // may be forwarded
}

// card is a card with the place where it was delivered.
type card struct {
	Card
	conversation string // "" = not delivered
	space, kind  string
	models       map[string]bool // the kinds of place it was made for
	clicking     int             // callbacks that wait for their answer
}

// AddTemplate publishes a card template. As soon as there is one, cards of any
// other template are refused; before, every template is taken for published.
func (s *Sim) AddTemplate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates[id] = true
}

// AddDraft saves a card template that is not published: cards of it are refused.
func (s *Sim) AddDraft(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates[id] = false
}

// Card gives the present state of a card by its outTrackId.
func (s *Sim) Card(outTrackID string) (Card, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, found := s.cards[outTrackID]
	if !found {
		return Card{}, false
	}
	state := c.Card
	state.Params, state.Recipients = maps.Clone(c.Params), slices.Clone(c.Recipients)
	state.Private = map[string]map[string]string{}
	for who, params := range c.Private {
		state.Private[who] = maps.Clone(params)
	}
	return state, true
}

func (s *Sim) serveCardCreate(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeCard)
	if refused {
		return a
	}
	c, a, refused := s.makeCard(o)
	if refused {
		return a
	}
	s.cards[c.OutTrackID] = c
	return ok(map[string]any{"success": true, "result": c.OutTrackID})
}

func (s *Sim) serveCardCreateAndDeliver(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeCard)
	if refused {
		return a
	}
	c, a, refused := s.makeCard(o)
	if refused {
		return a
	}
	result, a, refused := s.deliverCard(c, o)
	if refused {
		return a
	}
	s.cards[c.OutTrackID] = c
	return ok(map[string]any{"success": true, "result": map[string]any{
		"outTrackId": c.OutTrackID, "deliverResults": []any{result},
	}})
}

// serveCardDeliver delivers a card that was created before.
func (s *Sim) serveCardDeliver(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeCard)
	if refused {
		return a
	}
	c, found := s.cards[o.text("outTrackId")]
	if !found {
		return cardError("param.cardNotExist", "outTrackId is unknown")
	}
	result, a, refused := s.deliverCard(c, o)
	if refused {
		return a
	}
	return ok(map[string]any{"success": true, "result": []any{result}})
}

func (s *Sim) serveCardUpdate(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeCard)
	if refused {
		return a
	}
	c, found := s.cards[o.text("outTrackId")]
	if !found {
		return cardError("param.cardNotExist", "outTrackId is unknown")
	}
	if o["cardData"] == nil && o["privateData"] == nil {
		return cardError("param.cardDataAndPrivateDataBothEmpty", "cardData和privateData同时为空")
	}
	update, problem := readCardUpdate(o)
	if problem != "" {
		return cardError("param.error", problem)
	}
	if c.clicking > 0 {
		s.complain("a card was updated by a call while its click still waited for the answer")
	}
	private, problem := privateParams(o.child("privateData"))
	if problem != "" {
		return cardError("param.error", problem)
	}
	for who, params := range private {
		c.setPrivate(who, params, update.privateByKey)
	}
	s.updateCard(c, update)
	return ok(map[string]any{"success": true, "result": true})
}

func cardError(code, message string) answer { return apiError(http.StatusBadRequest, code, message) }

// makeCard reads a new card without filing it.
func (s *Sim) makeCard(o object) (*card, answer, bool) {
	id, template := o.text("outTrackId"), o.text("cardTemplateId")
	published, known := s.templates[template]
	refuse := func(code, message string) (*card, answer, bool) { return nil, cardError(code, message), true }
	switch {
	case id == "" || template == "":
		return refuse("param.error", "outTrackId and cardTemplateId are required")
	case len(s.templates) > 0 && !known:
		return refuse("param.templateNotExist", "卡片模板不存在")
	case known && !published:
		return refuse("param.templateUnpublished", "卡片模板未发布")
	case s.cards[id] != nil:
		return refuse("param.cardAlreadyExist", "卡片已存在")
	}
	params, problem := cardParams(o.child("cardData"))
	if problem != "" {
		return refuse("param.error", problem)
	}
	return &card{
		Card: Card{
			OutTrackID: id, Template: template, Stream: o.text("callbackType") == "STREAM",
			Params: params, Private: map[string]map[string]string{},
			Forward: o.child("imGroupOpenSpaceModel").yes("supportForward") || o.child("imRobotOpenSpaceModel").yes("supportForward"),
		},
		models: map[string]bool{
			spaceGroup:  o["imGroupOpenSpaceModel"] != nil,
			spaceSingle: o["imRobotOpenSpaceModel"] != nil,
		},
	}, answer{}, false
}

// cardParams reads {"cardParamMap":{…}}, or says what is wrong with it.
func cardParams(o object) (map[string]string, string) {
	params, isText := o.textMap("cardParamMap")
	if !isText {
		return nil, "cardParamMap holds a value that is not a string"
	}
	for k, v := range params {
		if len(k) > cardKeyLimit || len(v) > cardValueLimit {
			return nil, "cardParamMap holds a key over 100 bytes or a value over 1 KB"
		}
	}
	return params, ""
}

// privateParams reads privateData, which is keyed by staff id.
func privateParams(o object) (map[string]map[string]string, string) {
	all := map[string]map[string]string{}
	for who := range o {
		params, problem := cardParams(o.child(who))
		if problem != "" {
			return nil, "privateData." + who + ": " + problem
		}
		all[who] = params
	}
	return all, ""
}

// deliverCard puts a card into its space. What is wrong with the space is told
// inside the successful answer, per space.
func (s *Sim) deliverCard(c *card, o object) (map[string]any, answer, bool) {
	kind, id, isSpace := parseSpace(o.text("openSpaceId"))
	if !isSpace {
		return nil, cardError("param.error", "openSpaceId is malformed"), true
	}
	result := map[string]any{"spaceType": kind, "spaceId": id, "success": true, "carrierId": newID("carrier"), "errorMsg": ""}
	if problem := s.placeCard(c, o, space{kind, id}); problem != "" {
		result["success"], result["errorMsg"] = false, problem
		return result, answer{}, false
	}
	s.record(Message{
		ID: c.OutTrackID, Via: ViaCard, Kind: "card", Conversation: c.conversation,
		Params: maps.Clone(c.Params), Recipients: c.Recipients,
	})
	return result, answer{}, false
}

// space is a place for cards.
type space struct{ kind, id string }

// placeCard resolves the place, or says why the card cannot go there.
func (s *Sim) placeCard(c *card, o object, at space) string {
	if !c.models[at.kind] {
		return "the open space model of " + at.kind + " is missing"
	}
	conversation := Direct(at.id)
	if at.kind == spaceGroup {
		model := o.child("imGroupOpenDeliverModel")
		group, found := s.group(at.id)
		switch {
		case !found:
			return "spaceId is unknown"
		case model.text("robotCode") != s.opts.RobotCode:
			return "robotCode is not of this app"
		}
		recipients, isList := model.texts("recipients")
		if !isList {
			return "recipients is not a list of strings"
		}
		conversation, c.Recipients = group.id, recipients
	} else if s.staff[at.id] == nil || o["imRobotOpenDeliverModel"] == nil {
		return "spaceId is unknown, or imRobotOpenDeliverModel is missing"
	}
	c.conversation, c.space, c.kind = conversation, at.id, at.kind
	return ""
}

// parseSpace splits dtv1.card//IM_GROUP.<open conversation id>, or IM_ROBOT
// and a user id. One space a call is all that is simulated.
func parseSpace(openSpaceID string) (kind, id string, isSpace bool) {
	rest, found := strings.CutPrefix(openSpaceID, "dtv1.card//")
	if !found {
		return "", "", false
	}
	kind, id, found = strings.Cut(rest, ".")
	if !found || id == "" || kind != spaceGroup && kind != spaceSingle {
		return "", "", false
	}
	return kind, id, true
}

// setPrivate changes what one person sees.
func (c *card) setPrivate(who string, params map[string]string, byKey bool) {
	c.Private[who] = merged(c.Private[who], params, byKey)
}

// merged gives old with the new params, or only the new ones when the update
// is not by key: the platform's default forgets what was not sent.
func merged(old, params map[string]string, byKey bool) map[string]string {
	result := map[string]string{}
	if byKey {
		maps.Copy(result, old)
	}
	maps.Copy(result, params)
	return result
}
