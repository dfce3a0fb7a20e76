package wecomsim

import "fmt"

// Refusal is an answer with an errcode other than 0, from the vendor's table of
// global error codes. The seeding functions return it too.
type Refusal struct { //nolint:errname // an answer first, which is an error too
	Code    int    // the vendor's errcode
	Message string // a short English text, without the vendor's hint
}

// Error gives the code and the text.
func (r *Refusal) Error() string { return fmt.Sprintf("wecom %d: %s", r.Code, r.Message) }

var _ error = (*Refusal)(nil)

// The vendor's error codes that the simulator gives of itself. Any other can
// be injected.
const (
	codeBadSecret       = 40001
	codeBadUserID       = 40003
	codeBadMediaID      = 40007
	codeBadMsgType      = 40008
	codeBadCorpID       = 40013
	codeBadToken        = 40014
	codeBadUserList     = 40031
	codeUserListSize    = 40032
	codeEscapes         = 40033
	codeBadParameter    = 40058
	codeBadPartyList    = 40066
	codeNoToken         = 41001
	codeNoCorpID        = 41002
	codeNoSecret        = 41004
	codeNoUserID        = 41009
	codeTokenExpired    = 42001
	codeCardType        = 42031
	codeCardList        = 42035
	codeCardJumps       = 42042
	codeCardAction      = 42045
	codeMediaEmpty      = 44001
	codeContentEmpty    = 44004
	codeMediaSize       = 45001
	codeQuota           = 45009
	codeHeadcount       = 45024
	codeReplySize       = 45029
	codeNoSuchUser      = 46004
	codeNoPermission    = 48002
	codeNewIP           = 48009
	codeBadCursor       = 50100
	codeDeptLength      = 60001
	codeDeptDepth       = 60002
	codeNoDept          = 60003
	codeNoParent        = 60004
	codeDeptHasMembers  = 60005
	codeDeptHasChildren = 60006
	codeDeptRoot        = 60007
	codeDeptExists      = 60008
	codeDeptCharacters  = 60009
	codeDeptCycle       = 60010
	codeOutOfScope      = 60011
	codeUntrustedIP     = 60020
	codeUserExists      = 60102
	codeBadMobile       = 60103
	codeMobileExists    = 60104
	codeBadEmail        = 60105
	codeEmailExists     = 60106
	codeTooManyDepts    = 60110
	codeUserMissing     = 60111
	codeBadName         = 60112
	codeBadParty        = 60123
	codeBadParentParty  = 60124
	codeBadPartyName    = 60125
	codeNoDepartment    = 60127
	codeNoMobileOrEmail = 60129
	codeLeaderLength    = 60132
	codeBadBizMail      = 60143
	codeBizMailFixed    = 60144
	codeBizMailExists   = 60145
	codeRobotKey        = 93000
	codeRobotDisabled   = 93004
	codeCreator         = 301005
	codeBadPosition     = 301012
	codeUserIDFixed     = 301036
)

func refuse(code int, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// badParameter is the refusal for a value of the wrong shape or size.
func badParameter(field string) *Refusal {
	return refuse(codeBadParameter, "invalid Request Parameter: %s", field)
}

// newer gives the refusal with the second code of its pair, if it has one.
func (r *Refusal) newer() *Refusal {
	pairs := map[int]int{
		codeNoDept:         codeBadParty,
		codeNoParent:       codeBadParentParty,
		codeDeptLength:     codeBadPartyName,
		codeDeptCharacters: codeBadPartyName,
	}
	code, ok := pairs[r.Code]
	if !ok {
		return r
	}
	return &Refusal{Code: code, Message: r.Message}
}
