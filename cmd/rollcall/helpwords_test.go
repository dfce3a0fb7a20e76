package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// typedLine runs a command line in a language and gives its exit code and what it says.
func typedLine(t *testing.T, lang string, args ...string) (exit int, out, complaint string) {
	t.Helper()
	var stdout, stderr strings.Builder
	p := &process{
		args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now, executable: os.Executable,
		getenv: func(name string) (string, bool) { return lang, name == "LANG" },
	}
	exit = p.run(t.Context())
	return exit, stdout.String(), stderr.String()
}

// treeOf gives every command of the command line, as a terminal of that language has it.
func treeOf(lang string) []*cobra.Command {
	p := &process{stdout: discard{}, stderr: discard{}, getenv: func(name string) (string, bool) { return lang, name == "LANG" }}
	root := p.root()
	root.SetOut(p.stdout)
	p.translated(root)
	return allCommands(root)
}

// libraryWords are what the library of the command line would say in English.
var libraryWords = regexp.MustCompile(`(?i)\b(usage|available|commands?|additional|topics?|flags?|global|help (for|about)|provides|simply|generate|autocompletion|specified|script|shell session|` +
	`default|string|strings|stringArray|int|float|duration|more information|use "|disable completion|descriptions|to load|you will|execute|current|unknown|shorthand|invalid|argument|accepts|received|requires?|arg\(s\)|did you mean)\b`)

// TestHelpInOneLanguage sees that no command's help mixes the languages.
func TestHelpInOneLanguage(t *testing.T) {
	t.Parallel()
	ours := regexp.MustCompile(`rollcall completion|autoload -U compinit|bash-completion|Out-String`)
	seen := 0
	for _, lang := range []string{"zh_CN.UTF-8", "en_US.UTF-8"} {
		for _, c := range treeOf(lang) {
			args := strings.Fields(c.CommandPath())[1:]
			for _, line := range [][]string{append(args, "--help"), append([]string{"help"}, args...)} {
				exit, help, complaint := typedLine(t, lang, line...)
				if exit != 0 || complaint != "" || !strings.Contains(help, c.CommandPath()) {
					t.Errorf("%s %q: exit %d, %q, %q", lang, line, exit, help, complaint)
				}
				seen++
				if lang == "zh_CN.UTF-8" {
					text := withoutSyntax(c, ours.ReplaceAllString(help, ""))
					if word := libraryWords.FindString(text); word != "" || !strings.Contains(help, "用法：") || !strings.Contains(help, "显示帮助") {
						t.Errorf("%q says %q:\n%s", line, word, help)
					}
					continue
				}
				if i := strings.IndexFunc(help, func(r rune) bool { return unicode.Is(unicode.Han, r) }); i >= 0 || !strings.Contains(help, "Usage:") {
					t.Errorf("%q has Chinese:\n%s", line, help)
				}
			}
		}
	}
	if seen < 4*30 {
		t.Errorf("only %d helps were seen", seen)
	}
}

// withoutSyntax takes out what is typed as it is in every language: names of commands
// and flags.
func withoutSyntax(c *cobra.Command, help string) string {
	for _, sub := range c.Commands() {
		help = strings.ReplaceAll(help, "\n  "+sub.Name()+" ", "\n")
	}
	return regexp.MustCompile(`--[a-z-]+`).ReplaceAllString(help, "")
}

// TestSlipsInOneLanguage types what cannot be read: the library's own sentences, which
// are English, never come through.
func TestSlipsInOneLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line   string
		exit   int
		en, zh string
	}{
		{"nonsense", 1, `unknown command "nonsense" for "rollcall"; see rollcall --help`, `rollcall 没有命令 "nonsense"；可用的命令见 rollcall --help`},
		{"aply hr --person x", 1, `unknown command "aply" for "rollcall"; did you mean apply?`, `rollcall 没有命令 "aply"；是不是 apply？`},
		{"audit verfy", 1, `unknown command "verfy" for "rollcall audit"; did you mean verify?`, `rollcall audit 没有命令 "verfy"；是不是 verify？`},
		{"rules nonsense --json", 1, `unknown command "nonsense" for "rollcall rules"; see rollcall rules --help`, `rollcall rules 没有命令 "nonsense"；可用的命令见 rollcall rules --help`},
		{"help nonsense", 1, `unknown command "nonsense" for "rollcall"; see rollcall --help`, `rollcall 没有命令 "nonsense"；可用的命令见 rollcall --help`},
		{"help config chekc", 1, `unknown command "chekc" for "rollcall config"; did you mean check?`, `rollcall config 没有命令 "chekc"；是不是 check？`},
		{"completion tcsh", 1, `unknown command "tcsh" for "rollcall completion"; did you mean bash or fish or zsh?`, `rollcall completion 没有命令 "tcsh"；是不是 bash 或 fish 或 zsh？`},
		{"completion bash more", 2, "usage: rollcall completion bash", "用法：rollcall completion bash"},
		{"version --nonsense", 2, "unknown flag: --nonsense", "没有选项 --nonsense；用法见 rollcall version --help"},
		{"runs -xyz", 2, "unknown shorthand flag: 'x' in -xyz", "没有选项 -x；用法见 rollcall runs --help"},
		{"runs --config", 2, "flag needs an argument: --config", "选项 --config 后面要写一个值；用法见 rollcall runs --help"},
		{"runs -c", 2, "flag needs an argument: 'c' in -c", "选项 --config 后面要写一个值；用法见 rollcall runs --help"},
		{"runs --limit many", 2, `invalid argument "many" for "--limit" flag: strconv.ParseInt: parsing "many": invalid syntax`, `选项 --limit 的值 "many" 不行，应为整数；用法见 rollcall runs --help`},
		{"pause all --for long", 2, `invalid argument "long" for "--for" flag: time: invalid duration "long"`, `选项 --for 的值 "long" 不行，应为时长，例如 90s、30m、2h；用法见 rollcall pause --help`},
		{"doctor --deep=perhaps", 2, `invalid argument "perhaps" for "--deep" flag: strconv.ParseBool: parsing "perhaps": invalid syntax`, `选项 --deep 的值 "perhaps" 不行，应为 true 或 false；用法见 rollcall doctor --help`},
		{"runs --=x", 2, "bad flag syntax: --=x", "选项写法不对：--=x；用法见 rollcall runs --help"},
		{"runs A B", 2, "usage: rollcall runs [CODE]", "用法：rollcall runs [CODE]"},
		{"doctor A B", 2, "usage: rollcall doctor [FLOW|SYSTEM]", "用法：rollcall doctor [FLOW|SYSTEM]"},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			for lang, want := range map[string]string{"en_US.UTF-8": c.en, "zh_CN.UTF-8": c.zh} {
				exit, out, complaint := typedLine(t, lang, strings.Fields(c.line)...)
				if exit != c.exit || out != "" || complaint != "rollcall: "+want+"\n" {
					t.Errorf("%s: exit %d, want %d; %q %q, want %q", lang, exit, c.exit, out, complaint, want)
				}
			}
		})
	}
}

// TestLibrarySaysNothing sees that no command leaves its arguments or flags to checks
// of the library, whose sentences are English.
func TestLibrarySaysNothing(t *testing.T) {
	t.Parallel()
	for _, c := range treeOf("zh_CN.UTF-8") {
		if c.Name() != "help" && c.CommandPath() != "rollcall rules test" && !c.HasSubCommands() {
			if c.Args == nil {
				t.Errorf("%s takes any arguments", c.CommandPath())
			} else if err := c.Args(c, make([]string, 9)); err == nil || !strings.Contains(err.Error(), "用法：") {
				t.Errorf("%s: nine arguments: %v", c.CommandPath(), err)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			for _, check := range []string{cobra.BashCompOneRequiredFlag, "cobra_annotation_required_if_others_set", "cobra_annotation_one_required", "cobra_annotation_mutually_exclusive"} {
				if f.Annotations[check] != nil {
					t.Errorf("%s --%s is checked by the library", c.CommandPath(), f.Name)
				}
			}
			if f.Deprecated != "" || f.ShorthandDeprecated != "" {
				t.Errorf("%s --%s is deprecated, which the library says in English", c.CommandPath(), f.Name)
			}
		})
		if len(c.Aliases) > 0 || c.Example != "" || c.Version != "" || c.HasPersistentFlags() {
			t.Errorf("%s has what our help does not show", c.CommandPath())
		}
	}
}
