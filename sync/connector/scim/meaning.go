package scim

import (
	"net/http"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// meaning is what an answer means for us and for people.
type meaning struct {
	kind   fault.Kind
	en, zh string
}

// scimTypes are the error keywords of RFC 7644 §3.12.
var scimTypes = map[string]meaning{
	"invalidFilter": {fault.Unsupported, "the service does not understand the filter: it cannot be searched this way", "服务不支持这种过滤条件，不能这样查询"},
	"tooMany":       {fault.Invalid, "the service finds the listing too large: lower page_size", "服务认为结果过多：请减小 page_size"},
	"uniqueness":    {fault.Conflict, "a value that must be unique is taken already (such as userName): find who has it in the service", "必须唯一的值已被占用（例如 userName）：请在该服务中查找占用者"},
	"mutability":    {fault.Invalid, "the service does not let this attribute be changed: take it out of the mapping", "服务不允许修改该属性：请从映射中去掉"},
	"invalidSyntax": {fault.Invalid, "the service does not understand the request: try another dialect", "服务无法理解该请求：请尝试其他 dialect"},
	"invalidPath":   {fault.Invalid, "the service has no such attribute: correct its path, take it out of the mapping, or try another dialect", "服务没有这个属性：请更正路径、从映射中去掉，或尝试其他 dialect"},
	"noTarget":      {fault.Invalid, "the service finds nothing at the attribute's path: try another dialect", "服务在该属性路径下找不到可修改的值：请尝试其他 dialect"},
	"invalidValue":  {fault.Invalid, "the service refuses a value: a required one is missing, or one has the wrong form", "服务拒绝某个值：缺少必填项，或格式不对"},
	"invalidVers":   {fault.Unsupported, "the service speaks another version of SCIM: url has to be that of version 2.0", "服务的 SCIM 版本不同：url 必须是 2.0 版的地址"},
	"sensitive":     {fault.Unsupported, "the service takes no personal data in the address: it cannot be searched this way", "服务不接受在网址中带个人信息，不能这样查询"},
}

// statuses are those of RFC 7644 §3.12 and of usual gateways. 3xx, other 4xx and
// other 5xx have sentences of their own.
var statuses = map[int]meaning{
	http.StatusBadRequest:            {fault.Invalid, "the service refuses the request as wrong: a value may have the wrong form, or the dialect may be another", "服务认为请求有误：可能是某个值格式不对，或 dialect 不符"},
	http.StatusUnauthorized:          {fault.Credential, "the service refuses our credentials: make a new token there and set it in the configuration", "服务拒绝我们的凭证：请在该服务重新生成令牌并填入配置"},
	http.StatusForbidden:             {fault.Credential, "the token may not do this: give it the right to read and write users and groups", "令牌没有这个权限：请授予它读写用户和群组的权限"},
	http.StatusNotFound:              {fault.NotFound, "the service does not have it", "服务中没有该对象"},
	http.StatusMethodNotAllowed:      {fault.Unsupported, "the service cannot do this", "服务不支持该操作"},
	http.StatusRequestTimeout:        {fault.Unavailable, "the service gave up waiting", "服务等待超时"},
	http.StatusConflict:              {fault.Conflict, "the service has such an object already, or somebody else is changing it", "服务中已有这样的对象，或有人正在修改它"},
	http.StatusPreconditionFailed:    {fault.Conflict, "somebody else changed the object in the meantime: the next run reads it again", "对象在此期间被他人修改：下次运行会重新读取"},
	http.StatusRequestEntityTooLarge: {fault.Invalid, "the request is too large for the service", "请求过大，服务拒绝接收"},
	http.StatusUnsupportedMediaType:  {fault.Invalid, "the service does not take application/scim+json: url is not that of a SCIM service", "服务不接受 application/scim+json：url 不是 SCIM 服务的地址"},
	http.StatusPreconditionRequired:  {fault.Unsupported, "the service demands versions (If-Match) but does not give them", "服务要求带版本（If-Match），却没有给出版本"},
	http.StatusTooManyRequests:       {fault.Limited, "the service asks us to slow down", "服务要求放慢速度"},
	http.StatusNotImplemented:        {fault.Unsupported, "the service cannot do this", "服务不支持该操作"},
	http.StatusServiceUnavailable:    {fault.Unavailable, "the SCIM service is overloaded or being maintained", "SCIM 服务过载或维护中"},
}

// deniedHere is what 403 means at a write to one object: others may be written.
var deniedHere = meaning{
	fault.Denied, "the service does not let us change this object: it may be an owner, or the token lacks the right to write",
	"服务不允许我们修改该对象：它可能是所有者账号，或令牌没有写权限",
}

// noService is what 404 means for an endpoint.
var noService = meaning{
	fault.Invalid, "there is no SCIM service at url, or it lacks this endpoint: correct url (it often ends in /scim/v2)",
	"url 处没有 SCIM 服务，或缺少该端点：请更正 url（常以 /scim/v2 结尾）",
}
