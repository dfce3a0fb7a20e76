package feishusim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
)

// maxFile is the most that one uploaded file may have.
const maxFile = 30 << 20

// File is a file that was uploaded for messages.
type File struct {
	Key, Name, Kind string // Kind is file_type
	Data            []byte
}

// File gives an uploaded file by its key.
func (s *Sim) File(key string) (File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, there := s.im.files[key]
	f.Data = slices.Clone(f.Data)
	return f, there
}

// serveUpload takes a file as multipart/form-data.
func serveUpload(c *call) (any, *refusal) {
	f, err := readUpload(c.http.Header.Get("Content-Type"), c.body)
	kinds := strings.Fields("opus mp4 pdf doc xls ppt stream")
	switch {
	case err != nil:
		return nil, refuse(234001, "Invalid request param: the body is not multipart/form-data")
	case !slices.Contains(kinds, f.Kind):
		return nil, refuse(234001, "Invalid request param: file_type")
	case f.Name == "":
		return nil, refuse(234001, "Invalid request param: file_name")
	case f.Data == nil:
		return nil, refuse(234001, "Invalid request param: file")
	case len(f.Data) == 0:
		return nil, refuse(234010, "File's size can't be 0.")
	case len(f.Data) > maxFile:
		return nil, refuse(234006, "The file size exceed the max value.")
	}
	f.Key = c.sim.newID("file_v3_", "file")
	c.sim.im.files[f.Key] = f
	c.sim.effect("file.create", f.Key, f.Kind+" "+f.Name)
	return map[string]any{"file_key": f.Key}, nil
}

// readUpload reads the parts of an upload; what is no part of it is an error.
func readUpload(kind string, body []byte) (File, error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || media != "multipart/form-data" {
		return File{}, errors.New("feishusim: not a form")
	}
	var f File
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		raw, err := io.ReadAll(part)
		if err != nil {
			return f, err
		}
		switch part.FormName() {
		case "file_type":
			f.Kind = string(raw)
		case "file_name":
			f.Name = string(raw)
		case "file":
			if f.Data = raw; f.Data == nil {
				f.Data = []byte{}
			}
		case "duration":
		default:
			return f, errors.New("feishusim: unknown part of the form")
		}
	}
}
