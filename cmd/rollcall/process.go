package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// process is the world that the command line lives in.
type process struct {
	args       []string
	getenv     func(string) (string, bool)
	stdin      io.Reader
	stdout     io.Writer
	stderr     io.Writer
	now        func() time.Time
	executable func() (string, error)
	breakable  bool                  // failpoints are heeded: a test, or the demo
	spans      sdktrace.SpanExporter // takes the traces in tests; nil: as configured
}

// run carries out the command line and gives the exit code: 0 when all is well,
// else by the kind of the fault.
func (p *process) run(ctx context.Context) int {
	root := p.root() //nolint:contextcheck // commands get ctx from ExecuteContext
	root.SetArgs(p.args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	p.translated(root)
	err := root.ExecuteContext(ctx)
	if err != nil {
		p.complain(err)
	}
	return fault.ExitCode(err)
}

// complain tells a person what went wrong.
func (p *process) complain(err error) {
	if m, ok := errors.AsType[*configs.Mistakes](err); ok {
		_, _ = fmt.Fprint(p.stderr, m.Render(p.lang()))
		return
	}
	text := fault.In(fault.Say(err), p.lang())
	if fault.KindOf(err) == fault.Internal {
		text = err.Error()
	}
	_, _ = fmt.Fprintln(p.stderr, "rollcall: "+text)
}

// lang gives the language of the terminal.
func (p *process) lang() string {
	for _, name := range []string{"ROLLCALL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v, ok := p.getenv(name); ok && v != "" {
			if strings.HasPrefix(v, "zh") {
				return "zh-CN"
			}
			return "en"
		}
	}
	return "en"
}

// say picks the sentence of the terminal's language.
func (p *process) say(en, zh string, args ...any) string {
	format := en
	if p.lang() != "en" {
		format = zh
	}
	return fmt.Sprintf(format, args...)
}

func (p *process) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.stdout, format, args...) }

// logger writes one JSON object a line to standard error.
func (p *process) logger() *slog.Logger {
	level := slog.LevelInfo
	if v, ok := p.getenv("ROLLCALL_LOG"); ok {
		if err := level.UnmarshalText([]byte(v)); err != nil {
			level = slog.LevelInfo
		}
	}
	return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}

// load reads a configuration file to work by it, and tells its warnings. What is
// wrong with a rule file stops that rule's flow alone.
func (p *process) load(path string) (*configs.Config, error) {
	cfg, err := p.loadBy(configs.Options{Path: path, LooseRules: true})
	return cfg, unnamed(err)
}

// loadStrictly reads a configuration file to find what is wrong with it.
func (p *process) loadStrictly(path string) (*configs.Config, error) {
	return p.loadBy(configs.Options{Path: path})
}

func (p *process) loadBy(o configs.Options) (*configs.Config, error) {
	path := o.Path
	o.Getenv, o.ReadFile, o.Stat = p.getenv, os.ReadFile, os.Stat
	cfg, err := configs.Load(o)
	if err != nil {
		return nil, err
	}
	if len(cfg.Warnings) > 0 {
		warnings := configs.Mistakes{File: path, List: cfg.Warnings}
		_, _ = fmt.Fprint(p.stderr, warnings.Render(p.lang()))
	}
	return cfg, nil
}

// loadOffline reads a configuration for a tool that calls nobody and helps to write
// rules: neither secrets nor rules that are not there yet are its business.
func (p *process) loadOffline(path string) (*configs.Config, error) {
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: p.getenv, ReadFile: os.ReadFile, Offline: true, LooseRules: true})
	return cfg, unnamed(err)
}

// unnamed adds to the sentence that a configuration is not there how to name another.
func unnamed(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	say := fault.Say(err)
	return fault.Wrap(fault.NotFound, err, "%s; name it by --config FILE / %s；请用 --config 文件 指明", fault.In(say, "en"), fault.In(say, "zh"))
}

// ruleWorker gives the command that starts a child process for rules.
func (p *process) ruleWorker() (func(context.Context) *exec.Cmd, error) {
	path, err := p.executable()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the own binary is not found / 找不到自己的程序文件")
	}
	return func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, path, ruleWorkerName)
		cmd.Args[0] = "rollcall"
		return cmd
	}, nil
}

// ruleWorkerName is the hidden command of a rule's child process.
const ruleWorkerName = "rule-worker"
