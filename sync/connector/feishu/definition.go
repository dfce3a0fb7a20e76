package feishu

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// The vendor's types of custom fields.
const (
	kindText    = "TEXT"
	kindHref    = "HREF"
	kindEnum    = "ENUMERATION"
	kindPicture = "PICTURE_ENUM"
	kindUser    = "GENERIC_USER"
	kindPhone   = "PHONE" // a text, for us
)

// customKind gives the vendor's type for what may stand behind a field's id in
// the configuration; "" for everything else.
func customKind(declared string) string {
	switch declared {
	case "text":
		return kindText
	case "href":
		return kindHref
	case "enum":
		return kindEnum
	case "user":
		return kindUser
	default:
		return ""
	}
}

// definitionsLife is how long look-ups and writes use the definitions that were
// read last; a Read asks anew.
const definitionsLife = 5 * time.Minute

// option is one option of an enumeration, by the name that people see.
type option struct{ id, name string }

// definition is what the tenant's admins say of one custom field.
type definition struct {
	kind    string
	options []option
}

// name gives the name of an option.
func (d *definition) name(id string) (string, bool) {
	for _, o := range d.options {
		if o.id == id {
			return o.name, true
		}
	}
	return "", false
}

// option gives the id of the option with a name; the fault lists what there is.
func (d *definition) option(name, attribute string) (string, error) {
	var ids, names []string
	for _, o := range d.options {
		names = append(names, o.name)
		if o.name == name {
			ids = append(ids, o.id)
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		const most = 20
		if len(names) > most {
			names = append(names[:most], "…")
		}
		allowed := strings.Join(names, ", ")
		return "", fault.New(fault.Invalid, "%s：没有这个选项，可选：%s / %s: there is no such option; there are: %s", attribute, allowed, attribute, allowed)
	default:
		return "", fault.New(fault.Invalid, "%s：有多个选项同名，请在管理后台改名 / %s: several options have that name, rename them in the admin console", attribute, attribute)
	}
}

// definitions are the custom fields of the tenant by id. Known is false when
// Feishu does not show them to us. By the vendor's page its list has texts, links,
// options and phones only, and none of the fields that come from Feishu People
// (人事): that it lacks one does not prove that there is none.
type definitions struct {
	known  bool
	fields map[string]definition
}

// lack tells whether nothing is known of a field but that the list does not have
// it, and the configuration does not say what it is either.
func (d definitions) lack(f *field) bool {
	_, defined := d.fields[f.wire]
	return d.known && !defined && !f.trusted()
}

// definitions gives the definitions, not older than age. Without configured
// custom fields it makes no call. That they are hidden is no error.
func (c *Connector) definitions(ctx context.Context, n *tally, age time.Duration) (definitions, error) {
	if len(c.o.CustomAttributes) == 0 {
		return definitions{}, nil
	}
	done, err := c.defining.take(ctx)
	if err != nil {
		return definitions{}, err
	}
	defer done()
	if age > 0 && !c.defined.IsZero() && c.o.Now().Sub(c.defined) < age {
		return c.custom, nil
	}
	got, err := c.listDefinitions(ctx, n)
	if err != nil && (stops(err) && !unpermitted(err)) {
		return definitions{}, err
	}
	if err != nil {
		c.o.Logger.InfoContext(ctx, "definitions of custom fields are not known", "err", err)
		got = definitions{}
	}
	c.custom, c.defined = got, c.o.Now()
	return got, nil
}

// listDefinitions asks for them: GET /contact/v3/custom_attrs. The name of a
// picture's option is its name, that of another its value.
func (c *Connector) listDefinitions(ctx context.Context, n *tally) (definitions, error) {
	out := definitions{known: true}
	err := c.list(ctx, n, listing{path: contacts + "/custom_attrs", query: larkcore.QueryParams{}}, listed{
		begin: func() { out.fields = map[string]definition{} },
		page: func(_ context.Context, data json.RawMessage) (int, error) {
			var page struct {
				Items []struct {
					ID      string `json:"id"`
					Type    string `json:"type"`
					Options struct {
						Type    string `json:"option_type"`
						Options []struct {
							ID    string `json:"id"`
							Value string `json:"value"`
							Name  string `json:"name"`
						} `json:"options"`
					} `json:"options"`
				} `json:"items"`
			}
			if json.Unmarshal(data, &page) != nil {
				return 0, &lostError{"自定义字段的定义无法识别", "the definitions of custom fields are malformed"}
			}
			for _, item := range page.Items {
				d := definition{kind: item.Type}
				for _, o := range item.Options.Options {
					name := o.Value
					if item.Options.Type == "PICTURE" && o.Name != "" {
						name = o.Name
					}
					d.options = append(d.options, option{o.ID, name})
				}
				out.fields[item.ID] = d
			}
			return len(page.Items), nil
		},
	})
	return out, err
}

// unpermitted tells whether an error is about a permission and not about our
// credentials.
func unpermitted(err error) bool { return hasCode(err, "99991672", "99991676") }

// probeCustom names configured custom fields that the tenant does not have and of
// which no type is written, or that it has with another type.
func (c *Connector) probeCustom(ctx context.Context, n *tally) error {
	defs, err := c.definitions(ctx, n, 0)
	if err != nil || len(c.o.CustomAttributes) == 0 {
		return err
	}
	if !defs.known {
		return c.probeUndefined()
	}
	var wrong []string
	for i := range c.fields.users {
		f := &c.fields.users[i]
		if f.form != custom && f.form != customUser {
			continue
		}
		if d, ok := defs.fields[f.wire]; defs.lack(f) || ok && f.otherKind(d.kind) {
			wrong = append(wrong, f.wire)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	ids := strings.Join(wrong, ", ")
	return fault.New(fault.Invalid, "custom_attributes 里的 %[1]s 不在飞书列出的自定义字段里，或类型不同：请在管理后台的成员字段管理核对字段编号，并确认已允许开放平台访问；人员类型和来自人事的字段飞书不列出，请写明类型（如 %[2]s:user）"+
		" / custom_attributes names %[1]s, which Feishu does not list, or with another type: check the ids in the admin console's member fields, and that the open platform may use them; persons and fields of Feishu People are not listed, write their type (such as %[2]s:user)", ids, wrong[0])
}

// probeUndefined says what configured custom fields lack when their definitions
// are hidden.
func (c *Connector) probeUndefined() error {
	for i := range c.fields.users {
		f := &c.fields.users[i]
		if f.form == custom && (f.declared == "" || f.declared == kindEnum) {
			return fault.New(fault.Credential, "看不到自定义字段的定义：请为应用开通 %[1]s 或 %[2]s 并发布新版本，或在 custom_attributes 里写明类型（如 %[3]s:text）"+
				" / the definitions of custom fields are hidden: grant %[1]s or %[2]s to the app and publish a version, or write the types in custom_attributes (such as %[3]s:text)",
				permList, permCustom, f.wire)
		}
	}
	return nil
}

// sameKind compares a written type with one of the vendor's; both kinds of
// enumeration are one.
func sameKind(a, b string) bool {
	return a == b || a == kindEnum && b == kindPicture || textual(a) && textual(b)
}

// textual tells whether the value of a type is a text. A phone's may come under
// either name.
func textual(kind string) bool { return kind == kindText || kind == kindPhone }

// otherKind tells whether the definition says another type than an entry. A
// definition that is not known says none.
func (d *definition) otherKind(kind string) bool {
	return d.kind != "" && d.kind != kind && (!textual(d.kind) || !textual(kind))
}

// mistyped refuses a write of a field that Feishu gives another type than the
// configuration.
func (f *field) mistyped() error {
	return invalid(f.name, "飞书里的类型与 custom_attributes 写的不同", "has another type in Feishu than in custom_attributes")
}
