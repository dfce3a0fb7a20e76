package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// backstage is what the demo can do beside chatting:
//
//	later 10m                        let time pass
//	approve NAME CODE [delete=N] …   vote at the terminal, or confirm the vote given in the chat;
//	                                 nobody asks for the one-time password here
//	glass NAME CODE REASON [delete=N] …
type backstage struct {
	app  *app
	skip *skipping
}

func (b *backstage) do(ctx context.Context, name string, args []string) error {
	switch {
	case name == "later" && len(args) == 1:
		by, err := time.ParseDuration(args[0])
		if err != nil {
			return fmt.Errorf("later: %w", err)
		}
		b.skip.ahead.Add(int64(by))
		return nil
	case name == "approve" && len(args) > 1:
		return b.vote(ctx, ballot{person: args[0]}, args[1], args[2:])
	case name == "glass" && len(args) > 2:
		return b.vote(ctx, ballot{person: args[0], glass: true, reason: args[2]}, args[1], args[3:])
	default:
		return fault.New(fault.Invalid, "do later 10m, do approve NAME CODE delete=N, or do glass NAME CODE REASON delete=N / 写法：do later 10m、do approve 姓名 代码 删除=N 或 do glass 姓名 代码 原因 删除=N")
	}
}

func (b *backstage) vote(ctx context.Context, v ballot, typed string, counts []string) error {
	code, err := run.ParseCode(typed)
	if err != nil {
		return err
	}
	v.typed = run.NotRestated()
	for _, c := range counts {
		name, value, _ := strings.Cut(c, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		switch name {
		case "delete", "删除":
			v.typed.Delete = n
		case "disable", "停用":
			v.typed.Disable = n
		default:
			v.typed.Total = n
		}
	}
	by := run.Actor{Person: v.person, Platform: run.CLI, Channel: run.FromCLI}
	confirms, err := b.app.confirms(ctx, code, v)
	if err != nil {
		return err
	}
	if confirms {
		_, err = b.app.engine.StepUp(ctx, code, by)
	} else {
		_, err = b.app.vote(ctx, code, v, by)
	}
	return err
}
