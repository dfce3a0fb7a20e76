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

// company is the stage that a script of testdata/cli asked for.
type company struct{ *stage.Stage }

// companyKey finds a script's company among the values of its environment.
type companyKey struct{}

func setupCommands(e *testscript.Env) error {
	e.Values[companyKey{}] = &company{}
	return nil
}

// commands are what the scripts of testdata/cli can do beside running rollcall:
//
//	stage                    open the pretend company in the script's folder, with
//	                         rollcall.yaml and one-time passwords for 周凯 and 陈悦
//	exits N PROGRAM [ARG …]  run a program that must end with exit code N
//	code VAR                 keep the run code that standard output begins with
//	totp NAME VAR [WHICH]    keep a one-time password: now (default), next, wrong
//	edit FILE OLD NEW        replace a text that stands exactly once in a file
//	wecom has|lacks NO       look into the target
//	effects N                the target has seen exactly N writes
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
	ts.Value(companyKey{}).(*company).Stage = s
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
	c := ts.Value(companyKey{}).(*company)
	if c.Stage == nil {
		return nil, errors.New("the script has no stage")
	}
	return c.Stage, nil
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

// keepPassword keeps a password of the present time step, of the next one
// (which a clock ahead of ours shows, and which lasts longer), or one that is
// wrong in all steps around.
func keepPassword(ts *testscript.TestScript, args []string) error {
	secret, ok := secrets()[args[0]]
	if !ok {
		return fmt.Errorf("%s has no secret", args[0])
	}
	which := "now"
	if len(args) > 2 {
		which = args[2]
	}
	var right []string
	for _, off := range []time.Duration{0, totpPeriod, -totpPeriod, 2 * totpPeriod} {
		code, err := totp.GenerateCode(secret, time.Now().Add(off))
		if err != nil {
			return err
		}
		right = append(right, code)
	}
	switch which {
	case "now":
		ts.Setenv(args[1], right[0])
	case "next":
		ts.Setenv(args[1], right[1])
	case "wrong":
		ts.Setenv(args[1], firstWrong(right))
	default:
		return fmt.Errorf("now, next or wrong, not %s", which)
	}
	return nil
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
