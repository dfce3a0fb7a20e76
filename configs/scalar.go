package configs

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// plainScalar gives a scalar as it was written, so that 0001 stays 0001.
func plainScalar(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		if x.Value == nil {
			return "", true
		}
		return strings.TrimRight(x.Value.Value, "\n"), true
	case *ast.IntegerNode:
		return x.Token.Value, true
	case *ast.FloatNode:
		return x.Token.Value, true
	case *ast.BoolNode:
		return x.Token.Value, true
	default:
		return "", false
	}
}

// text gives a text. A number is taken as written; true and false are not,
// since they are most often a slip.
func (d *decoder) text(n ast.Node, at spot) (string, bool) {
	text, ok := plainScalar(n)
	if _, isBool := n.(*ast.BoolNode); isBool || !ok {
		d.bad(at, say("这里应该是文本，而不是%s；需要时请加引号", "expected text, not %s; quote it if you mean it", kindOf(n)))
		return "", false
	}
	return text, true
}

// string reads a text, its references and its allowed words.
func (d *decoder) string(n ast.Node, v reflect.Value, at spot) {
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	if at.tag.env {
		if text, ok = d.expand(text, at); !ok {
			return
		}
	}
	if len(at.tag.enum) > 0 && !slices.Contains(at.tag.enum, text) {
		d.bad(at, say("%s 不行%s", "%s will not do%s", short(text), didYouMean(text, at.tag.enum)))
		return
	}
	v.SetString(text)
}

// boolean reads true or false.
func (d *decoder) boolean(n ast.Node, v reflect.Value, at spot) {
	text, ok := plainScalar(n)
	if _, quoted := n.(*ast.StringNode); ok && (!quoted || at.tag.name == "") && (text == "true" || text == "false") {
		v.SetBool(text == "true")
		return
	}
	d.bad(at, say("这里只能是 true 或 false，而不是%s", "expected true or false, not %s", kindOf(n)))
}

// integer reads a whole number within its limits.
func (d *decoder) integer(n ast.Node, v reflect.Value, at spot) {
	text, ok := plainScalar(n)
	number, err := strconv.Atoi(text)
	if _, quoted := n.(*ast.StringNode); !ok || err != nil || quoted && at.tag.name != "" {
		d.bad(at, say("这里应该是整数，而不是%s", "expected a whole number, not %s", kindOf(n)))
		return
	}
	if d.within(float64(number), at) {
		v.SetInt(int64(number))
	}
}

// within reports a number outside the limits of its field.
func (d *decoder) within(number float64, at spot) bool {
	low, high := at.tag.low, at.tag.high
	if (low == nil || number >= *low) && (high == nil || number <= *high) {
		return true
	}
	switch {
	case high == nil:
		d.bad(at, say("%v 太小；至少是 %v", "%v is too small; it must be at least %v", number, *low))
	case low == nil:
		d.bad(at, say("%v 太大；最多是 %v", "%v is too large; it must be at most %v", number, *high))
	default:
		d.bad(at, say("%v 超出范围；应该在 %v 到 %v 之间", "%v is out of range; it must be from %v to %v", number, *low, *high))
	}
	return false
}

// short quotes a text that people typed, cut to what fits in a line.
func short(text string) string {
	runes := []rune(text)
	if len(runes) > 40 {
		return strconv.Quote(string(runes[:40]) + "…")
	}
	return strconv.Quote(text)
}
