package rosterfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// decodeText gives a CSV's bytes as UTF-8 with line feeds, or a fault about
// the file. Damage anywhere refuses the whole file: a file that was cut off in
// the middle of a character is shorter than it should be.
func (c *Connector) decodeText(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, c.invalid("this is a workbook, not a CSV: name it .xlsx", "这是工作簿，不是 CSV：请把扩展名改成 .xlsx")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, c.invalid("the file is UTF-16: save it as CSV UTF-8", "文件是 UTF-16 编码：请另存为“CSV UTF-8”")
	}
	text, bom := bytes.CutPrefix(data, []byte("\xef\xbb\xbf"))
	text, err := c.toUTF8(text, bom)
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		line := lineOf(text, i)
		return nil, c.invalid(fmt.Sprintf("line %d holds binary data: this is not a CSV, or it is damaged", line),
			fmt.Sprintf("第 %d 行有二进制数据：不是 CSV，或文件已损坏", line))
	}
	if bytes.IndexByte(text, '\n') < 0 {
		text = bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'}) // old Mac line ends
	}
	return text, nil
}

func (c *Connector) toUTF8(text []byte, bom bool) ([]byte, error) {
	damage := brokenAt(text)
	switch {
	case c.o.Encoding == GB18030 && !bom:
		return c.fromGB18030(text)
	case damage < 0:
		return text, nil
	case bom || c.o.Encoding == UTF8 || mostlyUTF8(text):
		line := lineOf(text, damage)
		return nil, c.invalid(fmt.Sprintf("line %d holds a broken UTF-8 character: the file is damaged or cut off, export it again", line),
			fmt.Sprintf("第 %d 行有损坏的 UTF-8 字符：文件已损坏或不完整，请重新导出", line))
	default:
		return c.fromGB18030(text)
	}
}

func (c *Connector) fromGB18030(text []byte) ([]byte, error) {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
	if i := bytes.IndexRune(out, utf8.RuneError); err != nil || i >= 0 {
		line := lineOf(out, max(i, 0))
		return nil, c.invalid(fmt.Sprintf("line %d is neither UTF-8 nor GB18030: save the file as CSV UTF-8", line),
			fmt.Sprintf("第 %d 行既不是 UTF-8 也不是 GB18030 编码：请另存为“CSV UTF-8”", line))
	}
	return out, nil
}

// brokenAt gives the place of the first byte that is not UTF-8, or -1.
func brokenAt(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// mostlyUTF8 tells a damaged UTF-8 text from one in GB18030, whose Chinese is
// hardly ever valid UTF-8 by chance.
func mostlyUTF8(text []byte) bool {
	const ratio = 10
	good, bad := 0, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 2: // Chinese has three bytes; pairs of two occur in GB18030 too
			good++
		}
		i += size
	}
	return good > ratio*bad
}

func lineOf(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte{'\n'}) }
