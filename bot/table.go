package bot

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// table makes the content of a file.
func (b *Bot) table(context.Context, File, Lang) ([]byte, error) {
	return nil, fault.New(fault.Unsupported, "this version cannot make the table / 此版本还不能生成表格")
}
