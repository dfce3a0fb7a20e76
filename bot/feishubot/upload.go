package feishubot

import (
	"bytes"
	"context"
	"mime/multipart"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	fileBytes     = 30 << 20 // the vendor's limit
	fileName      = 100      // characters
	uploadTimeout = 25 * time.Second
)

// upload puts a file where a message can name it, and gives its key. Done twice,
// the first one is never shown to anybody. Source: the vendor's page "upload
// file" (im/v1/files); what is none of the kinds listed there is a "stream".
func (b *Bot) upload(ctx context.Context, f bot.File) (string, error) {
	switch {
	case len(f.Data) == 0:
		return "", fault.New(fault.Invalid, "the file is empty / 文件是空的")
	case len(f.Data) > fileBytes:
		return "", fault.New(fault.Invalid, "the file is larger than the 30 MB that Feishu takes / 文件超过了飞书的 30 MB 上限")
	}
	name := fileTitle(f)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	err := w.WriteField("file_type", "stream")
	if err == nil {
		err = w.WriteField("file_name", name)
	}
	part, failed := w.CreateFormFile("file", name)
	if err == nil && failed == nil {
		_, err = part.Write(f.Data)
	}
	if err != nil || failed != nil || w.Close() != nil { // into memory: it cannot fail
		return "", fault.New(fault.Internal, "cannot build the request / 无法生成请求")
	}
	var out struct {
		Key string `json:"file_key"`
	}
	err = b.call(ctx, request{
		method: "POST", path: "/open-apis/im/v1/files", raw: body.Bytes(), kind: w.FormDataContentType(), timeout: uploadTimeout,
	}, &out)
	if err == nil && out.Key == "" {
		err = fault.New(fault.Unavailable, "Feishu's answer makes no sense / 飞书的回答无法识别")
	}
	return out.Key, err
}

// fileTitle gives a file's name as people see it.
func fileTitle(f bot.File) string {
	name := strings.TrimSpace(strings.NewReplacer("/", "_", `\`, "_", `"`, "_").Replace(show(f.Name, fileName)))
	if name == "" {
		return "rollcall.csv"
	}
	return name
}

// attach sends an uploaded file to where the words went. When it cannot go, that
// is said in words.
func (b *Bot) attach(ctx context.Context, o bot.Outgoing, key, idem string) error {
	if key == "" {
		return nil
	}
	l := letter{kind: asFile, content: jsonOf(map[string]string{"file_key": key}), key: partKey(idem, "file")}
	_, err := b.deliverOne(ctx, o, l)
	if err == nil || fault.Retryable(err) {
		return err
	}
	only := o
	only.Mention, only.Card = nil, bot.Card{Plain: true}
	only = b.without(ctx, only, err)
	only.Card.Title, only.Card.Sections = plainLine(only.Card.Sections[0].Lines[0]), nil
	l = letter{kind: asText, content: textsOf(only)[0], key: partKey(idem, "nofile")}
	_, err = b.deliverOne(ctx, o, l)
	return err
}

// without leaves the file of an answer out, and says so.
func (b *Bot) without(ctx context.Context, o bot.Outgoing, why error) bot.Outgoing {
	b.o.Logger.WarnContext(ctx, "file not sent", "system", "feishu", "err", why)
	return o.FileNotSent(why)
}
