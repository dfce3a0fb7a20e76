package dingtalksim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// The limits of uploaded files.
const (
	mediaLimit = 20 << 20
	uploadBody = mediaLimit + 1<<20
)

// The codes of the upload.
const (
	codeBadMediaKind = 40004
	codeBadMediaSize = 40006
)

// Media is a file that was uploaded for messages.
type Media struct {
	ID, Name string
	Data     []byte
}

// Media gives an uploaded file by its media_id.
func (s *Sim) Media(id string) (Media, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.media[id]
	m.Data = slices.Clone(m.Data)
	return m, there
}

// serveUpload takes a file as multipart/form-data. The kind stands in the form or
// in the address; only files are simulated.
func (s *Sim) serveUpload(r *request) answer {
	if a, refused := s.refuseOldToken(r); refused {
		return a
	}
	kind, m, err := readMedia(r)
	allowed := strings.Fields("doc docx xls xlsx ppt pptx zip pdf rar")
	ending := strings.ToLower(strings.TrimPrefix(path.Ext(m.Name), "."))
	switch {
	case err != nil || m.Data == nil:
		return oapiError(codeBadJSON, "不合法的参数")
	case kind != "file" || !slices.Contains(allowed, ending):
		return oapiError(codeBadMediaKind, "不合法的媒体文件类型")
	case len(m.Data) == 0 || len(m.Data) > mediaLimit:
		return oapiError(codeBadMediaSize, "不合法的文件大小")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID = "@" + newID("lAz")
	s.media[m.ID] = m
	return answer{status: http.StatusOK, body: map[string]any{
		"errcode": 0, "errmsg": "ok", "type": kind, "media_id": m.ID, "created_at": s.opts.Now().UnixMilli(),
	}}
}

func readMedia(r *request) (kind string, m Media, err error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return "", m, errors.New("read upload: not a form")
	}
	kind = r.URL.Query().Get("type")
	for form := multipart.NewReader(bytes.NewReader(r.body), params["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return kind, m, nil
		}
		if err != nil {
			return kind, m, err
		}
		raw, err := io.ReadAll(part)
		if err != nil {
			return kind, m, err
		}
		switch part.FormName() {
		case "type":
			kind = string(raw)
		case "media":
			m.Name = part.FileName()
			if m.Data = raw; m.Data == nil {
				m.Data = []byte{}
			}
		}
	}
}

// readFile checks the parameters of sampleFile, or says what is wrong.
func (s *Sim) readFile(o object, m *Message) string {
	if r := missing(o, "mediaId", "fileName", "fileType"); r.message != "" {
		return r.message
	}
	if !slices.Contains(strings.Fields("xlsx pdf zip rar doc docx"), o.text("fileType")) {
		return "fileType is not one of xlsx, pdf, zip, rar, doc, docx"
	}
	if _, there := s.media[o.text("mediaId")]; !there {
		return "mediaId is unknown"
	}
	m.Title, m.Text = o.text("fileName"), o.text("mediaId")
	return ""
}

// SetFlowControlled names the people whom the robot has written to too often: a
// message to them is not delivered, and the answer says so.
func (s *Sim) SetFlowControlled(staffIDs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slowed = slices.Clone(staffIDs)
}
