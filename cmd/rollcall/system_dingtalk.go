package main

import (
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func (a *app) dingtalkSource(sys *configs.System) (connector.Source, error) {
	return nil, fault.New(fault.Unsupported, "system %[1]s: DingTalk is not connected yet / 系统 %[1]s：还不能连接 DingTalk", sys.Name)
}
