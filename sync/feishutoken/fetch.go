package feishutoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// path is the call of a self-built app; its answer is flat, without "data".
const path = "/open-apis/auth/v3/tenant_access_token/internal"

// answerLimit is far above the 4 KiB that the vendor asks callers to reserve.
const answerLimit = 64 << 10

// maxWait bounds how long a caller is told to wait.
const maxWait = 5 * time.Minute

type answer struct {
	Code   *int   `json:"code"`
	Msg    string `json:"msg"`
	Token  string `json:"tenant_access_token"`
	Expire int64  `json:"expire"` // seconds left
}

// fetch makes the one call. The token's life counts from before the call.
func (s *Source) fetch(ctx context.Context) (grant, error) {
	asked := s.options.Now()
	body, err := json.Marshal(map[string]string{"app_id": s.options.AppID, "app_secret": s.options.AppSecret})
	if err != nil {
		return grant{}, fault.Wrap(fault.Internal, err, "cannot build the token request / 无法生成令牌请求")
	}
	callCtx, cancel := context.WithTimeoutCause(ctx, callTimeout, errors.New("no answer to the token request"))
	defer cancel()
	req, err := http.NewRequestWithContext(callCtx, http.MethodPost, s.options.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return grant{}, fault.Wrap(fault.Invalid, plain(err), "飞书的 base_url 不是网址 / the Feishu base_url is not a URL")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := s.client.Do(req)
	if err != nil {
		return grant{}, unreachable(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return grant{}, unreachable(ctx, err)
	}
	return judge(asked, res, raw)
}

// judge turns an answer into a grant or a fault. The code decides; the HTTP
// status only when there is no code.
func judge(asked time.Time, res *http.Response, raw []byte) (grant, error) {
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil || a.Code == nil {
		return grant{}, fault.New(fault.Unavailable,
			"飞书的令牌接口没有给出有效回答（HTTP %d） / Feishu's token call gave no valid answer (HTTP %d)", res.StatusCode, res.StatusCode)
	}
	if *a.Code != 0 {
		f := refusal(*a.Code)
		f.Code = strconv.Itoa(*a.Code)
		if f.Kind == fault.Limited {
			f.After = resetAfter(res.Header)
		}
		return grant{}, f
	}
	if a.Token == "" || a.Expire <= 0 || a.Expire > int64(24*time.Hour/time.Second) {
		return grant{}, fault.New(fault.Unavailable,
			"飞书的令牌接口答复成功却没有可用令牌 / Feishu's token call succeeded without a usable token")
	}
	life := time.Duration(a.Expire) * time.Second
	return grant{token: a.Token, renew: asked.Add(life - min(renewBefore, life/4)), ends: asked.Add(life)}, nil
}

// refusal gives the fault of a code. Sources: the vendor's page "server error
// codes", and "get tenant_access_token of a self-built app".
func refusal(code int) *fault.Error {
	switch code {
	case 10003:
		return fault.New(fault.Credential, "飞书不认识这个 App ID，请核对 app_id / Feishu does not accept this App ID: check app_id")
	case 10014, 99991662:
		return fault.New(fault.Credential, "飞书应用已停用，请在管理后台启用 / the Feishu app is disabled: enable it in the admin console")
	case 10015:
		return fault.New(fault.Credential, "飞书的 App Secret 不对，请更新 app_secret / the Feishu App Secret is wrong: update app_secret")
	case 99991543:
		return fault.New(fault.Credential,
			"飞书的 App ID 或 App Secret 不存在，请核对 app_id、app_secret，并确认 base_url 是飞书还是 Lark"+
				" / the Feishu App ID or App Secret does not exist: check app_id, app_secret, and whether base_url is Feishu's or Lark's")
	case 99991401:
		return fault.New(fault.Credential,
			"本机出口 IP 不在飞书应用的 IP 白名单，请在开放平台的“安全设置”里加上"+
				" / our address is not on the Feishu app's IP allowlist: add it under Security Settings of the open platform")
	case 99991673:
		return fault.New(fault.Credential,
			"飞书应用还没有在企业内发布安装，请创建版本并由管理员审核"+
				" / the Feishu app is not installed in the tenant: create a version and have an admin approve it")
	case 99991400:
		return fault.New(fault.Limited, "飞书要求放慢令牌请求 / Feishu asks for fewer token requests")
	default:
		return fault.New(fault.Unavailable, "飞书暂时不发令牌 / Feishu gives no token at the moment")
	}
}

// Rejected tells whether a code of any open-platform call says that the token
// itself is not accepted: Invalidate it and call once more with a new one.
// 99991661 is a missing token, 99991663 and 99991664 an invalid or expired one,
// 99991671 one of the wrong form.
func Rejected(code int) bool {
	switch code {
	case 99991661, 99991663, 99991664, 99991671:
		return true
	default:
		return false
	}
}

// resetAfter reads the seconds that the gateway asks to wait.
func resetAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("X-Ogw-Ratelimit-Reset"))
	if err != nil || n <= 0 {
		return time.Second
	}
	return min(time.Duration(min(n, int(maxWait/time.Second)))*time.Second, maxWait)
}

func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return fault.Wrap(fault.Unavailable, plain(err), "连不上飞书的令牌接口 / Feishu's token call cannot be reached")
}

func interrupted(ctx context.Context) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("get tenant token: %w", context.Cause(ctx)),
		"等待飞书令牌时被中断 / interrupted while waiting for Feishu's token")
}

// plain drops the URL that net/http puts into its errors.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
