package wecomsim

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"time"
)

// Limits of an uploaded file.
const (
	minMedia  = 5 // bytes; a file must be longer
	maxMedia  = 20 << 20
	maxVoice  = 2 << 20
	mediaLife = 3 * 24 * time.Hour
)

// media is one uploaded file.
type media struct {
	kind string // file or voice
	at   time.Time
}

// robotUpload serves webhook/upload_media.
func (s *Sim) robotUpload(c *call) (any, *Refusal) {
	if _, refusal := s.robot(c); refusal != nil {
		return nil, refusal
	}
	kind := c.query.Get("type")
	if kind != "file" && kind != "voice" {
		return nil, badParameter("type")
	}
	size, found := c.partSize("media")
	switch {
	case !found || size <= minMedia:
		return nil, refuse(codeMediaEmpty, "empty media data")
	case size > maxMedia || kind == "voice" && size > maxVoice:
		return nil, refuse(codeMediaSize, "media size out of limit")
	}
	now := s.options.Now()
	id := fmt.Sprintf("simmedia-%d", s.next())
	s.media[id] = media{kind: kind, at: now}
	return struct {
		reply
		Type      string `json:"type"`
		MediaID   string `json:"media_id"`
		CreatedAt string `json:"created_at"`
	}{replyOK, kind, id, strconv.FormatInt(now.Unix(), 10)}, nil
}

// partSize gives the size of a file in a multipart body.
func (c *call) partSize(name string) (int64, bool) {
	_, parameters, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil {
		return 0, false
	}
	reader := multipart.NewReader(bytes.NewReader(c.raw), parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if err != nil {
			return 0, false
		}
		if part.FormName() != name || part.FileName() == "" {
			continue
		}
		size, err := io.Copy(io.Discard, part)
		return size, err == nil
	}
}
