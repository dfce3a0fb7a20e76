package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
)

// resource is one user or group as the service shows it. Names of attributes
// are compared without regard to case (RFC 7643 §2.1).
type resource map[string]any

// at gives what stands under a name. A null is nothing.
func (r resource) at(name string) (any, bool) {
	if v, ok := r[name]; ok {
		return v, v != nil
	}
	for have, v := range r {
		if strings.EqualFold(have, name) {
			return v, v != nil
		}
	}
	return nil, false
}

// text gives a text under a name, "" for anything else.
func (r resource) text(name string) string {
	v, _ := r.at(name)
	return plain(v)
}

// id gives the resource's id, "" when it has none.
func (r resource) id() string { return r.text("id") }

// version gives the entity tag in the resource, "" when it has none.
func (r resource) version() string {
	v, _ := r.at("meta")
	m, _ := v.(map[string]any)
	return resource(m).text("version")
}

// clone copies the first level.
func (r resource) clone() resource {
	if r == nil {
		return resource{}
	}
	return maps.Clone(r)
}

// elements gives the complex elements of a list; a bare text counts as one with
// that value.
func (r resource) elements(name string) []resource {
	v, _ := r.at(name)
	list, is := v.([]any)
	if !is && v != nil {
		list = []any{v}
	}
	var out []resource
	for _, e := range list {
		switch e := e.(type) {
		case map[string]any:
			out = append(out, e)
		case string:
			out = append(out, resource{"value": e})
		}
	}
	return out
}

// plain gives a scalar as a text, "" for anything else.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	default:
		return ""
	}
}

var (
	errShape = errors.New("not the JSON that was expected")
	errNoID  = errors.New("the resource has no id")
)

// decodeResource reads one user or group.
func decodeResource(data []byte) (resource, error) {
	var r resource
	if err := decode(data, &r); err != nil {
		return nil, err
	}
	if r.id() == "" {
		return nil, errNoID
	}
	return r, nil
}

// page is one page of a listing.
type page struct {
	total     int // -1 = not said
	resources []resource
	odd       int // rows that are no resources
}

// decodePage reads a ListResponse. A bare array is taken as one whole page, as
// some services give it for discovery.
func decodePage(data []byte) (page, error) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		var rows []any
		if err := decode(data, &rows); err != nil {
			return page{}, err
		}
		p := rowsOf(rows)
		p.total = len(rows)
		return p, nil
	}
	var r resource
	if err := decode(data, &r); err != nil {
		return page{}, err
	}
	total, listed := -1, false
	if v, ok := r.at("totalResults"); ok {
		n, err := json.Number(plain(v)).Int64()
		if err != nil || n < 0 || n > 1<<40 {
			return page{}, errShape
		}
		total, listed = int(n), true
	}
	v, ok := r.at("Resources")
	rows, is := v.([]any)
	if ok && !is || !ok && !listed {
		return page{}, errShape
	}
	p := rowsOf(rows)
	p.total = total
	return p, nil
}

func rowsOf(rows []any) page {
	var p page
	for _, row := range rows {
		m, ok := row.(map[string]any)
		if !ok {
			p.odd++
			continue
		}
		p.resources = append(p.resources, m)
	}
	return p
}

// decode reads exactly one JSON value; numbers stay as they are written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errShape
	}
	return nil
}
