package wecomsim

import "net/http"

// access is what a path demands of the secret behind the token.
type access int

const (
	open     access = iota // no token: the path has its own secret
	ids                    // user ids: only the contacts secret
	skeleton               // department ids: either secret
	details                // names and the rest: not the contacts secret on a new IP
	lookup                 // mobile or mail to user id: either secret
	write                  // only the contacts secret, while editing is on
)

// route is one path of the vendor's.
type route struct {
	method string
	access access
	serve  func(*Sim, *call) (any, *Refusal) // runs under the lock
	form   bool                              // the body is a multipart form, not JSON
}

// routes is the table of everything that is served, keyed by the path below
// /cgi-bin/.
func routes() map[string]route {
	return map[string]route{
		"gettoken": {http.MethodGet, open, (*Sim).getToken, false},

		"department/simplelist": {http.MethodGet, skeleton, (*Sim).departmentSimpleList, false},
		"department/list":       {http.MethodGet, details, (*Sim).departmentList, false},
		"department/get":        {http.MethodGet, details, (*Sim).departmentGet, false},
		"department/create":     {http.MethodPost, write, (*Sim).departmentCreate, false},
		"department/update":     {http.MethodPost, write, (*Sim).departmentUpdate, false},
		"department/delete":     {http.MethodGet, write, (*Sim).departmentDelete, false},

		"user/list_id":             {http.MethodPost, ids, (*Sim).userListID, false},
		"user/get":                 {http.MethodGet, details, (*Sim).userGet, false},
		"user/list":                {http.MethodGet, details, (*Sim).userList, false},
		"user/simplelist":          {http.MethodGet, details, (*Sim).userSimpleList, false},
		"user/getuserid":           {http.MethodPost, lookup, (*Sim).userByMobile, false},
		"user/get_userid_by_email": {http.MethodPost, lookup, (*Sim).userByEmail, false},
		"user/create":              {http.MethodPost, write, (*Sim).userCreate, false},
		"user/update":              {http.MethodPost, write, (*Sim).userUpdate, false},
		"user/delete":              {http.MethodGet, write, (*Sim).userDelete, false},
		"user/batchdelete":         {http.MethodPost, write, (*Sim).userBatchDelete, false},
		"batch/invite":             {http.MethodPost, write, (*Sim).invite, false},
		"webhook/send":             {http.MethodPost, open, (*Sim).robotSend, false},
		"webhook/upload_media":     {http.MethodPost, open, (*Sim).robotUpload, true},
	}
}

// permit says whether the call's secret may use a path. The caller holds mu.
func (s *Sim) permit(kind secretKind, a access) *Refusal {
	switch {
	case kind == contacts && a == details && !s.modes.oldIP:
		return refuse(codeNewIP, "no privilege to access contact details from a new ip")
	case kind == contacts && a == write && s.modes.editingOff:
		return refuse(codeNoPermission, "api forbidden: contact editing by api is off")
	case kind == app && (a == write || a == ids):
		return refuse(codeNoPermission, "api forbidden")
	default:
		return nil
	}
}
