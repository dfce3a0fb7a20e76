package rosterfile

import (
	"strconv"
	"strings"
)

// rawCell is a cell as the sheet writes it.
type rawCell struct {
	typ     string
	style   int
	value   string
	inline  string
	formula bool
	valued  bool
}

// cell gives the meaning of a cell.
func (b *book) cell(raw *rawCell) (cell, error) {
	if raw.formula && (!raw.valued || raw.value == "" && raw.typ != "str") {
		return cell{kind: cellUncomputed}, nil
	}
	switch raw.typ {
	case "s":
		return b.shared(raw.value)
	case "inlineStr":
		return textCell(raw.inline), nil
	case "str":
		return textCell(unescape(raw.value)), nil
	case "b":
		return boolCell(raw.value), nil
	case "e":
		return cell{cellError, clean(raw.value)}, nil
	case "d":
		return textCell(raw.value), nil // ISO 8601: read as any written date
	}
	if raw.value == "" {
		return cell{}, nil
	}
	var f numberFormat
	if raw.style < len(b.formats) {
		f = b.formats[raw.style]
	}
	return numberCell(strings.TrimSpace(raw.value), f, b.date1904), nil
}

func boolCell(s string) cell {
	switch s {
	case "":
		return cell{}
	case "1", "true":
		return cell{cellBool, "TRUE"}
	default:
		return cell{cellBool, "FALSE"}
	}
}

func textCell(s string) cell {
	if s = clean(s); s == "" {
		return cell{}
	}
	return cell{cellText, s}
}

// shared gives a text by its number.
func (b *book) shared(number string) (cell, error) {
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 || n >= len(b.texts) {
		return cell{}, errDamaged
	}
	return textCell(b.texts[n]), nil
}

// coordinates reads "B12": the column from 0, the row from 1.
func coordinates(ref string) (column, row int, ok bool) {
	i := 0
	for i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 3 {
		column = column*26 + int(ref[i]-'A') + 1
		i++
	}
	row, err := strconv.Atoi(ref[i:])
	return column - 1, row, i > 0 && err == nil && row > 0 && ref[i] != '+'
}
