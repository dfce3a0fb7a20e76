package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcallhq/rollcall/sync/dialer"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// probeTime bounds the question of a container's health.
const probeTime = 3 * time.Second

// healthzCommand asks the service of this machine whether it is alive: a container
// without a shell has nothing else to ask with.
func (p *process) healthzCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "healthz", Args: exactly(0, "rollcall healthz --config FILE"),
		Short: p.say("ask the service on this machine whether it is alive, for a container's health check", "问本机的服务是否存活，供容器健康检查使用"),
	}
	path := configFlag(c, p)
	ready := c.Flags().Bool("ready", false, p.say("ask whether it can work, too", "再问它能否工作"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := p.loadOffline(*path)
		if err != nil {
			return err
		}
		target := "/healthz"
		if *ready {
			target = "/readyz"
		}
		return probe(c.Context(), cfg.Server.Listen, target)
	}
	return c
}

// probe asks an address that is listened on; that of every interface is asked on
// this machine.
func probe(ctx context.Context, listen, path string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fault.New(fault.Invalid, "server.listen is not host:port / server.listen 不是 主机:端口")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, errors.New("no answer in time"))
	defer cancel()
	address := net.JoinHostPort(host, port)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return fault.New(fault.Invalid, "server.listen is not host:port / server.listen 不是 主机:端口")
	}
	d, err := dialer.New(dialer.Options{Trusted: []string{address}})
	if err != nil {
		return err
	}
	res, err := d.Client().Do(req)
	if err != nil {
		return fault.New(fault.Unavailable, "the service does not answer at %[1]s / 服务在 %[1]s 没有应答", address)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fault.New(fault.Unavailable, "the service answers %[1]d at %[2]s%[3]s / 服务在 %[2]s%[3]s 返回 %[1]d", res.StatusCode, address, path)
	}
	return nil
}
