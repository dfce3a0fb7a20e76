package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// company is what a script of testdata/cli asked for.
type company struct {
	stage *stage.Stage    // nil until it is asked for
	given map[string]bool // one-time passwords, each behind its person's name
}

// companyKey finds a script's company among the values of its environment.
type companyKey struct{}

// noRest keeps a command that was built with the race detector from resting a
// second when it ends. It means nothing to others.
const noRest = "GORACE=atexit_sleep_ms=0"

func setupCommands(e *testscript.Env) error {
	e.Vars = append(e.Vars, noRest)
	e.Values[companyKey{}] = &company{given: map[string]bool{}}
	return nil
}

// commands are what the scripts of testdata/cli can do beside running rollcall:
//
//	stage                    open the pretend company in the script's folder, with
//	                         rollcall.yaml and one-time passwords for 周凯 and 陈悦
//	exits N PROGRAM [ARG …]  run a program that must end with exit code N
//	code VAR                 keep the run code that standard output begins with
//	totp NAME VAR [wrong]    keep a one-time password that was not given before, or a wrong one
//	edit FILE OLD NEW        replace a text that stands exactly once in a file
//	wecom has|lacks NO       look into the target
//	effects N                the target has seen exactly N writes
//	keep VAR                 keep standard output
//	sql STATEMENT            change the record past Rollcall
//	refuse PATH NO ERRCODE   the target refuses that person's next call of PATH
func commands(ctx context.Context) map[string]func(*testscript.TestScript, bool, []string) {
	checked := func(n int, do func(ts *testscript.TestScript, args []string) error) func(*testscript.TestScript, bool, []string) {
		return func(ts *testscript.TestScript, neg bool, args []string) {
			if neg || len(args) < n {
				ts.Fatalf("it takes %d arguments and cannot be negated", n)
			}
			ts.Check(do(ts, args))
		}
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		"stage":   checked(0, func(ts *testscript.TestScript, _ []string) error { return openCompany(ctx, ts) }),
		"exits":   checked(2, exits),
		"code":    checked(1, keepCode),
		"totp":    checked(2, keepPassword),
		"edit":    checked(3, edit),
		"wecom":   checked(2, lookIntoTarget),
		"effects": checked(1, countEffects),
		"refuse":  checked(3, refuse),
		"sql":     checked(1, tamper),
		"keep": checked(1, func(ts *testscript.TestScript, args []string) error {
			ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
			return nil
		}),
	}
}

// secrets are the one-time password secrets of the pretend people.
func secrets() map[string]string {
	return map[string]string{"周凯": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "陈悦": "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"}
}

func openCompany(ctx context.Context, ts *testscript.TestScript) error {
	dir := ts.MkAbs(".")
	s, err := stage.Open(stage.Options{Dir: dir, Now: time.Now})
	if err != nil {
		return err
	}
	ts.Defer(func() { _ = s.Close() })
	ts.Value(companyKey{}).(*company).stage = s
	p := &process{getenv: noEnv, stdout: ts.Stdout(), stderr: discard{}, now: time.Now, executable: os.Executable}
	a, err := p.openStage(ctx, s, demo{})
	if err != nil {
		return err
	}
	if err := a.close(); err != nil {
		return err
	}
	for name, secret := range secrets() {
		if err := os.WriteFile(filepath.Join(dir, name+".totp"), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
		if err := edit(ts, []string{"rollcall.yaml", "{name: " + name + ",", "{name: " + name + ", totp: \"file:" + name + ".totp\","}); err != nil {
			return err
		}
	}
	return nil
}

func noEnv(string) (string, bool) { return "", false }

// theStage gives the stage of a script that opened one.
func theStage(ts *testscript.TestScript) (*stage.Stage, error) {
	s := ts.Value(companyKey{}).(*company).stage
	if s == nil {
		return nil, errors.New("the script has no stage")
	}
	return s, nil
}

func exits(ts *testscript.TestScript, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	have := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			return err
		}
		have = ended.ExitCode()
	}
	if have != want {
		return fmt.Errorf("exit code %d, want %d", have, want)
	}
	return nil
}

func keepCode(ts *testscript.TestScript, args []string) error {
	word, _, _ := strings.Cut(ts.ReadFile("stdout"), " ")
	code, err := run.ParseCode(word)
	if err != nil {
		return err
	}
	ts.Setenv(args[0], string(code))
	return nil
}

// keepPassword keeps a password that the script was not given before, the one
// that lasts longest first: that of the next time step, as a clock ahead of
// ours shows it. A wrong one is wrong in all steps around.
func keepPassword(ts *testscript.TestScript, args []string) error {
	secret, ok := secrets()[args[0]]
	if !ok {
		return fmt.Errorf("%s has no secret", args[0])
	}
	var right []string
	for _, off := range []time.Duration{totpPeriod, 0, -totpPeriod, 2 * totpPeriod} {
		code, err := totp.GenerateCode(secret, time.Now().Add(off))
		if err != nil {
			return err
		}
		right = append(right, code)
	}
	if len(args) > 2 && args[2] == "wrong" {
		ts.Setenv(args[1], firstWrong(right))
		return nil
	}
	given := ts.Value(companyKey{}).(*company).given
	for _, code := range right[:2] {
		if !given[args[0]+code] {
			given[args[0]+code] = true
			ts.Setenv(args[1], code)
			return nil
		}
	}
	return fmt.Errorf("%s has no password left for now", args[0])
}

func firstWrong(right []string) string {
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(right, code) {
			return code
		}
	}
}

func edit(ts *testscript.TestScript, args []string) error {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), args[1]); n != 1 {
		return fmt.Errorf("%q stands %d times in %s, want once", args[1], n, args[0])
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), args[1], args[2], 1)), 0o600)
}

func lookIntoTarget(ts *testscript.TestScript, args []string) error {
	s, err := theStage(ts)
	if err != nil {
		return err
	}
	if want, ok := map[string]bool{"has": true, "lacks": false}[args[0]]; !ok {
		return errors.New("wecom has|lacks NO")
	} else if _, there := s.WeCom.User(args[1]); there != want {
		return fmt.Errorf("%s is there: %t", args[1], there)
	}
	return nil
}

func countEffects(ts *testscript.TestScript, args []string) error {
	s, err := theStage(ts)
	if err != nil {
		return err
	}
	if have := s.WeCom.Effects(); strconv.Itoa(len(have)) != args[0] {
		return fmt.Errorf("the target has seen %d writes, want %s: %v", len(have), args[0], have)
	}
	return nil
}

func refuse(ts *testscript.TestScript, args []string) error {
	s, err := theStage(ts)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s.WeCom.Inject(wecomsim.Fault{Path: args[0], ID: args[1], Code: number})
	return nil
}
