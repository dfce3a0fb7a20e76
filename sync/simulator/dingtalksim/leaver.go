package dingtalksim

import (
	"net/http"
	"strconv"
	"time"
)

// Limits of empLeaveRecords.
const (
	maxLeavers   = 50
	maxLeaveSpan = 365 * 24 * time.Hour
)

// leaver is one line of the record of who left.
type leaver struct {
	user, name string
	at         time.Time
	reason     string // oapi, cancel, leave, unknown or delete
}

// leaveRecords serves empLeaveRecords: who left in a span, oldest first.
func (s *Sim) leaveRecords(c *contactCall) answer {
	from, to, problem := s.leaveSpan(c)
	if problem != "" {
		return apiError(http.StatusBadRequest, "InvalidParameter", problem)
	}
	next, err := strconv.Atoi(c.query.Get("nextToken"))
	if err != nil || next < 0 {
		return apiError(http.StatusBadRequest, "InvalidParameter", "nextToken")
	}
	size, err := strconv.Atoi(c.query.Get("maxResults"))
	if err != nil || size < 1 || size > maxLeavers {
		return apiError(http.StatusBadRequest, "InvalidParameter", "maxResults is 1 to 50")
	}
	var found []leaver
	for _, l := range s.contacts.leavers {
		if !l.at.Before(from) && !l.at.After(to) {
			found = append(found, l)
		}
	}
	start := min(next, len(found))
	end := min(start+size, len(found))
	records := []any{}
	for _, l := range found[start:end] {
		records = append(records, map[string]any{
			"userId": l.user, "name": l.name, "leaveReason": l.reason,
			"leaveTime": l.at.UTC().Format(time.RFC3339),
		})
	}
	result := map[string]any{"records": records}
	if end < len(found) {
		result["nextToken"] = strconv.Itoa(end)
	}
	return ok(result)
}

// leaveSpan reads startTime and endTime, or says what is wrong.
func (s *Sim) leaveSpan(c *contactCall) (from, to time.Time, problem string) {
	from, err := time.Parse(time.RFC3339, c.query.Get("startTime"))
	if err != nil {
		return from, to, "startTime"
	}
	to = s.opts.Now()
	if text := c.query.Get("endTime"); text != "" {
		if to, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, "endTime"
		}
	}
	if to.Before(from) || to.Sub(from) > maxLeaveSpan {
		return from, to, "the span is more than 365 days or less than none"
	}
	return from, to, ""
}
