package dingtalksim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// The limits of the robot's own sends.
const (
	paramLimit = 15000 // bytes of msgParam
	batchLimit = 20    // people of one one-to-one call
)

// serveGroupSend takes the robot's message to a group. It cannot mention.
func (s *Sim) serveGroupSend(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeSend)
	if refused {
		return a
	}
	if a, refused := s.refuseRobotCode(o); refused {
		return a
	}
	c, found := s.group(o.text("openConversationId"))
	if !found {
		return apiError(http.StatusBadRequest, "invalid.openConversationId", "openConversationId无效")
	}
	m, a, refused := s.readTemplate(o)
	if refused {
		return a
	}
	m.ID, m.Via, m.Conversation = newID("pqk"), ViaGroup, c.id
	s.record(m)
	return ok(map[string]any{"processQueryKey": m.ID})
}

// serveSingleSend takes the robot's message to some people, each by
// themselves. People who do not exist are named in the answer.
func (s *Sim) serveSingleSend(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeSend)
	if refused {
		return a
	}
	if a, refused := s.refuseRobotCode(o); refused {
		return a
	}
	people, isList := o.texts("userIds")
	if !isList || len(people) == 0 || len(people) > batchLimit {
		return apiError(http.StatusBadRequest, "invalidParameter.userIds",
			fmt.Sprintf("userIds takes 1 to %d ids", batchLimit))
	}
	m, a, refused := s.readTemplate(o)
	if refused {
		return a
	}
	m.ID, m.Via = newID("pqk"), ViaSingle
	unknown, slowed := []string{}, []string{}
	for _, id := range people {
		switch {
		case s.staff[id] == nil:
			unknown = append(unknown, id)
			continue
		case slices.Contains(s.slowed, id):
			slowed = append(slowed, id)
			continue
		}
		m.Conversation = Direct(id)
		s.record(m)
	}
	return ok(map[string]any{
		"processQueryKey": m.ID, "invalidStaffIdList": unknown, "flowControlledStaffIdList": slowed,
	})
}

// serveRecall takes messages of the robot back from a group.
func (s *Sim) serveRecall(r *request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, a, refused := s.readCall(r, ScopeSend)
	if refused {
		return a
	}
	if a, refused := s.refuseRobotCode(o); refused {
		return a
	}
	c, found := s.group(o.text("openConversationId"))
	if !found {
		return apiError(http.StatusBadRequest, "invalid.openConversationId", "openConversationId无效")
	}
	keys, isList := o.texts("processQueryKeys")
	if !isList || len(keys) == 0 {
		return apiError(http.StatusBadRequest, "invalidParameter.processQueryKeys", "processQueryKeys is empty")
	}
	done, failed := []string{}, map[string]string{}
	for _, key := range keys {
		recalled := false
		s.amend(c.id, key, func(m *Message) { m.Recalled, recalled = true, true })
		if recalled {
			done = append(done, key)
		} else {
			failed[key] = "processQueryKey无效"
		}
	}
	return ok(map[string]any{"successResult": done, "failedResult": failed})
}

// readCall checks a counted call and reads its body. The caller holds s.mu.
func (s *Sim) readCall(r *request, scope string) (object, answer, bool) {
	if a, refused := s.refuseCall(r, scope); refused {
		return nil, a, true
	}
	o, err := decodeObject(r.body)
	if err != nil || !r.isJSON() {
		return nil, apiError(http.StatusBadRequest, "InvalidParameter", "the body is not a JSON object"), true
	}
	return o, answer{}, false
}

func (s *Sim) refuseRobotCode(o object) (answer, bool) {
	if o.text("robotCode") == s.opts.RobotCode {
		return answer{}, false
	}
	return apiError(http.StatusBadRequest, "invalidParameter.robotCode.auth", "robotCode不属于该应用"), true
}

// readTemplate reads msgKey and msgParam, which is JSON as text.
func (s *Sim) readTemplate(o object) (Message, answer, bool) {
	param := o.text("msgParam")
	if len(param) > paramLimit {
		return Message{}, apiError(http.StatusBadRequest, "invalidParameter.msgParam.tooLong", "msgParam过长"), true
	}
	fields, err := decodeObject([]byte(param))
	if err != nil {
		return Message{}, apiError(http.StatusBadRequest, "invalidParameter.msgParam",
			"msgParam is not a JSON object written as a string"), true
	}
	m, problem := fillTemplate(o.text("msgKey"), fields)
	if problem == "" && o.text("msgKey") == "sampleFile" {
		problem = s.readFile(fields, &m)
	}
	if problem != "" {
		return Message{}, apiError(http.StatusBadRequest, "invalidParameter.msgParam", problem), true
	}
	return m, answer{}, false
}

// fillTemplate makes the message of a msgKey, or says what is wrong.
func fillTemplate(key string, o object) (Message, string) {
	m := Message{Title: o.text("title"), Text: o.text("text")}
	need := []string{"title", "text"}
	switch key {
	case "sampleText":
		m.Kind, m.Text, need = "text", o.text("content"), []string{"content"}
	case "sampleMarkdown":
		m.Kind = "markdown"
	case "sampleLink":
		m.Kind, need = "link", append(need, "messageUrl")
		m.Buttons = []Button{{Title: m.Title, URL: o.text("messageUrl")}}
	case "sampleActionCard":
		m.Kind, need = "actionCard", append(need, "singleTitle", "singleURL")
		m.Buttons = []Button{{Title: o.text("singleTitle"), URL: o.text("singleURL")}}
	case "sampleActionCard2", "sampleActionCard3", "sampleActionCard4", "sampleActionCard5":
		m.Kind = "actionCard"
		count, _ := strconv.Atoi(key[len(key)-1:])
		need = numbered(&m, o, buttonNames{"actionTitle", "actionURL", count, need})
	case "sampleActionCard6": // the one with other names
		m.Kind = "actionCard"
		need = numbered(&m, o, buttonNames{"buttonTitle", "buttonUrl", 2, need})
	case "sampleImageMsg":
		m.Kind, need = key, []string{"photoURL"}
	case "sampleFile", "sampleAudio", "sampleVideo":
		m.Kind, need = key, nil
	default:
		return m, "msgKey is unknown"
	}
	return m, missing(o, need...).message
}

// buttonNames are the keys of numbered buttons.
type buttonNames struct {
	title, url string
	count      int
	need       []string // the other keys that the template needs
}

// numbered adds the buttons of a template and gives all the keys it needs.
func numbered(m *Message, o object, n buttonNames) []string {
	need := n.need
	for i := 1; i <= n.count; i++ {
		title, url := n.title+strconv.Itoa(i), n.url+strconv.Itoa(i)
		m.Buttons = append(m.Buttons, Button{Title: o.text(title), URL: o.text(url)})
		need = append(need, title, url)
	}
	return need
}
