package feishusim

import "net/http"

// refusal is a reply that did not do what was asked.
type refusal struct {
	code    int
	msg     string
	status  int // 0: as httpStatus says
	header  map[string]string
	scopes  []string // missing permissions, for 99991672
	field   string   // the offending field, for parameter errors
	problem string   // what is wrong with field
}

// refuse makes a refusal with the vendor's code and a text for people.
func refuse(code int, msg string) *refusal { return &refusal{code: code, msg: msg} }

// badField is the vendor's general parameter error, with the field named.
func badField(field, problem string) *refusal {
	return &refusal{code: 99992402, msg: "field validation failed", field: field, problem: problem}
}

// invalidField is a contact refusal that names the field.
func invalidField(code int, field, problem string) *refusal {
	return &refusal{code: code, msg: field + " " + problem, field: field, problem: problem}
}

// httpStatus gives the HTTP status that the vendor sends with a code. Some
// are odd, which is the point: callers must decide by code.
func httpStatus(code int) int {
	switch code {
	case 0, 1, 10003, 10014, 10015, 1000040343, 1000040350:
		return http.StatusOK
	case 43000:
		return http.StatusUnauthorized
	case 40004, 40014, 41050, 41056, 44050:
		return http.StatusForbidden
	case 41028:
		return http.StatusMethodNotAllowed
	case 41003, 41053:
		return http.StatusConflict
	case 99991400:
		return http.StatusTooManyRequests
	case 41027, 41031, 41032:
		return http.StatusGatewayTimeout
	case 40003:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// errorBody gives the "error" object of a refusal.
func (r *refusal) errorBody(logID string) map[string]any {
	out := map[string]any{"log_id": logID, "troubleshooter": "see the open platform's troubleshooting page"}
	if len(r.scopes) > 0 {
		var rows []map[string]string
		for _, scope := range r.scopes {
			rows = append(rows, map[string]string{"type": "action_scope_required", "subject": scope, "description": ""})
		}
		out["permission_violations"] = rows
	}
	if r.field != "" {
		out["field_violations"] = []map[string]string{{"field": r.field, "value": "", "description": r.problem}}
	}
	return out
}
