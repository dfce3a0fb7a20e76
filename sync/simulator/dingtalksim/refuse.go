package dingtalksim

import (
	"fmt"
	"net/http"
	"strconv"
)

// Refusal is an answer with a code other than 0 from the platform's table of
// contacts errors. The seeding functions return it too.
type Refusal struct { //nolint:errname // an answer first, which is an error too
	Code    int    // errcode or sub_code
	Message string // as a person would read it
	gateway bool   // refused before the call itself was looked at
}

// Error gives the code and the text.
func (r *Refusal) Error() string { return fmt.Sprintf("dingtalk %d: %s", r.Code, r.Message) }

var _ error = (*Refusal)(nil)

// The codes that the simulated contacts give of themselves. Any other can be
// injected.
const (
	codeBusy           = -1
	codeHROwned        = 12150
	codeBadDeptID      = 40009
	codeBadToken       = 40014
	codeMobileFixed    = 40022
	codeBadUserList    = 40031
	codeMissing        = 40035
	codeBadDeptList    = 40066
	codeBadOffset      = 40068
	codeBadSize        = 40069
	codePhoneExists    = 40100
	codeEmailExists2   = 40101
	codeInvited        = 40103
	codeBadMobile      = 40104
	codeTokenMissing   = 41001
	codeExpired        = 42001
	codeUserScope      = 50002
	codeDeptScope      = 50004
	codeDeptName       = 60001
	codeNoDept         = 60003
	codeNoParent       = 60004
	codeDeptHasMembers = 60005
	codeDeptHasDepts   = 60006
	codeDeptIsRoot     = 60007
	codeDeptCharacters = 60009
	codeDeptCycle      = 60010
	codeNoPermission   = 60011
	codeDeptExists     = 60016
	codeRootFixed      = 60018
	codeBadAddress     = 60020
	codeDeptSameName   = 60021
	codeSensitive      = 60022
	codeUserExists     = 60102
	codeBadIntlMobile  = 60103
	codeMobileExists   = 60104
	codeEmailExists    = 60106
	codeNoUser         = 60121
	codeNoManager      = 60128
	codeTooFast        = 90018
	codeBadParameter   = 400002
)

func refuse(code int, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuseEarly is a refusal by the gateway.
func refuseEarly(code int, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), gateway: true}
}

// badParameter refuses a value of the wrong type or size.
func badParameter(field string) *Refusal { return refuse(codeBadParameter, "参数错误：%s", field) }

// lacks refuses a request without a field.
func lacks(field string) *Refusal {
	return refuse(codeMissing, "不合法的参数：缺少%s", field)
}

// answer puts a refusal into the shape of the old family.
func (r *Refusal) answer(shape ErrorShape) answer {
	if shape == ShapeWrapped || shape == ShapeMixed && r.gateway {
		return oapiGatewayError(strconv.Itoa(r.Code), r.Message)
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": r.Code, "errmsg": r.Message, "request_id": newID(""),
	}}
}
