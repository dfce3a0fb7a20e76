package dingtalkbot

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	fileBytes     = 20 << 20 // the vendor's limit
	nameLimit     = 100      // characters
	uploadTimeout = 25 * time.Second
)

// media is an uploaded file, as a message names it.
type media struct{ id, name, kind string }

// fileKinds are the kinds that a message may carry. Source: the vendor's page
// "robot message types", sampleFile.
func fileKinds() []string { return []string{"xlsx", "pdf", "zip", "rar", "doc", "docx"} }

// upload puts a file where a message can name it. A list of comma separated
// values is none of the kinds that DingTalk takes, so it goes in a zip archive.
// Source: the vendor's page "upload media files".
func (b *Bot) upload(ctx context.Context, f bot.File) (*media, error) {
	if len(f.Data) == 0 {
		return nil, say(fault.Invalid, "the file is empty / 文件是空的")
	}
	data, m := f.Data, media{name: fileTitle(f.Name)}
	m.kind = strings.ToLower(strings.TrimPrefix(path.Ext(m.name), "."))
	if !slices.Contains(fileKinds(), m.kind) {
		var err error
		if data, err = b.zipped(m.name, f.Data); err != nil {
			return nil, err
		}
		m.name, m.kind = strings.TrimSuffix(m.name, path.Ext(m.name))+".zip", "zip"
	}
	if len(data) > fileBytes {
		return nil, say(fault.Invalid, "the file is larger than the 20 MB that DingTalk takes / 文件超过了钉钉的 20 MB 上限")
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("media", m.name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.WriteField("type", "file")
	}
	if err != nil || w.Close() != nil { // into memory: it cannot fail
		return nil, say(fault.Internal, "cannot build the request / 无法生成请求")
	}
	m.id, err = b.store(ctx, request{method: http.MethodPost, raw: body.Bytes(), kind: w.FormDataContentType(), timeout: uploadTimeout})
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// store makes the upload call, and once more with a new token when the first was
// refused. The token stands in the address, which no error shows.
func (b *Bot) store(ctx context.Context, r request) (string, error) {
	for first := true; ; first = false {
		token, err := b.tokens.token(ctx)
		if err != nil {
			return "", err
		}
		r.url = b.o.OAPIURL + "/media/upload?" + url.Values{"access_token": {token}, "type": {"file"}}.Encode()
		a, err := b.exchange(ctx, r)
		if err != nil {
			return "", err
		}
		var out struct {
			ID string `json:"media_id"`
		}
		f := a.webhookFault()
		switch {
		case f == nil && json.Unmarshal(a.raw, &out) == nil && out.ID != "":
			return out.ID, nil
		case f == nil:
			return "", say(fault.Unavailable, "DingTalk's answer makes no sense / 钉钉的回答无法识别")
		case slices.Contains([]string{"40001", "40014", "41001", "42001"}, f.Code):
			b.tokens.invalidate(token)
			if first {
				continue
			}
		}
		return "", f
	}
}

// zipped puts one file into an archive.
func (b *Bot) zipped(name string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.o.Now()})
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil || z.Close() != nil { // into memory: it cannot fail
		return nil, say(fault.Internal, "cannot pack the file / 无法打包文件")
	}
	return out.Bytes(), nil
}

// fileTitle gives a file's name as people see it.
func fileTitle(name string) string {
	name = strings.NewReplacer("/", "_", `\`, "_", `"`, "_").Replace(markdown.Plain(name, nameLimit))
	if name = strings.TrimSpace(name); name == "" {
		return "rollcall.csv"
	}
	return name
}

// attach sends an uploaded file to where the words went, by the robot's own call:
// sessions take no files. When it cannot go, that is said in words.
func (b *Bot) attach(ctx context.Context, o bot.Outgoing, m media, idem string) error {
	err := b.speak(ctx, o.Chat, "sampleFile", map[string]string{"mediaId": m.id, "fileName": m.name, "fileType": m.kind})
	if err == nil || fault.Retryable(err) {
		return err
	}
	only := o
	only.Mention, only.Card = nil, bot.Card{Plain: true}
	only = b.without(ctx, only, err)
	_, err = b.words(ctx, only, idem+"/"+strconv.Itoa(maxParts), "")
	return err
}

// without leaves the file of an answer out, and says so.
func (b *Bot) without(ctx context.Context, o bot.Outgoing, why error) bot.Outgoing {
	b.o.Logger.WarnContext(ctx, "file not sent", "system", "dingtalk", "err", why)
	return o.FileNotSent(why)
}
