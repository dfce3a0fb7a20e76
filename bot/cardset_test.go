package bot

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// elements counts what a renderer makes of a card: a title and lines for each
// section, where lines of one style stand together, and the buttons.
func elements(c Card) int {
	n := 0
	for _, s := range c.Sections {
		if s.Title != "" {
			n++
		}
		was := -1
		for _, line := range s.Lines {
			styled := 0
			for _, p := range line {
				if p.Bold || p.Code {
					styled = 1
				}
			}
			if styled != was {
				n++
			}
			was = styled
		}
	}
	for _, b := range c.Buttons {
		n += 2 + len(b.Inputs)
	}
	return n
}

// by makes a vote of a person.
func by(person string, d run.Decision, p *plan.Plan) run.Vote {
	return run.Vote{Run: theCode, Decision: d, By: run.Actor{Person: person, Platform: run.Feishu, Channel: run.ByText}, Digest: p.Digest(), At: morning}
}

// entriesOf makes a journal of steps, one for each change.
func entriesOf(steps ...run.Step) []run.Entry {
	var all []run.Entry
	for i, s := range steps {
		all = append(all, run.Entry{Run: theCode, Seq: i + 1, Step: s})
	}
	return all
}

// ofTier makes the scene of a run of a tier that waits.
func ofTier(w *world, tier, votes int) scene {
	sc := sceneOf(w, run.Awaiting)
	sc.plan.Risk = plan.Assessment{Tier: tier, Votes: votes, Reasons: []plan.Finding{
		{Code: plan.FindMany, Tier: tier, Have: 6, Limit: 5}, {Code: plan.FindStaff, Tier: 2, Have: 1, What: "Chu Shi"}, {Code: plan.FindDelete, Tier: 1, Have: 3},
	}}
	sc.run.Tier, sc.run.Votes, sc.run.Plan = tier, votes, sc.plan.Digest()
	sc.voters = voters{names: []string{"Zhou Kai", "Chen Yue"}, known: true}
	return sc
}

// scenes gives every card: by state, and by what else may be so.
func scenes() map[string]func(w *world) scene {
	all := map[string]func(w *world) scene{}
	for _, s := range run.States() {
		all[string(s)] = func(w *world) scene {
			sc := sceneOf(w, s)
			if s == run.Awaiting {
				sc.voters = voters{names: []string{"Zhou Kai", "Chen Yue"}, known: true}
			}
			return sc
		}
	}
	waitingScenes(all)
	workingScenes(all)
	endedScenes(all)
	ruleScenes(all)
	return all
}

func waitingScenes(all map[string]func(w *world) scene) {
	all["awaiting_approval.tier2"] = func(w *world) scene {
		sc := ofTier(w, 2, 2)
		sc.voters.names = []string{"Chen Yue"}
		sc.votes = []run.Vote{by("Zhou Kai", run.Approve, sc.plan)}
		sc.votes[0].For = "Boss"
		return sc
	}
	all["awaiting_approval.tier3"] = func(w *world) scene { return ofTier(w, 3, 2) }
	all["awaiting_approval.confirm"] = func(w *world) scene {
		sc := ofTier(w, 3, 2)
		sc.voters.names = nil
		sc.votes = []run.Vote{by("Chen Yue", run.Approve, sc.plan), by("Zhou Kai", run.Approve, sc.plan)}
		return sc
	}
	all["awaiting_approval.cooling"] = func(w *world) scene {
		sc := ofTier(w, 3, 2)
		sc.voters.names = nil
		sc.votes = []run.Vote{by("Chen Yue", run.Approve, sc.plan), by("Zhou Kai", run.Approve, sc.plan)}
		sc.run.StepUp, sc.run.NotBefore = run.Actor{Person: "Zhou Kai", Platform: run.CLI}, morning.Add(8*time.Minute)
		return sc
	}
	all["awaiting_approval.held"] = func(w *world) scene {
		sc := ofTier(w, 2, 2)
		sc.voters.names = []string{"Chen Yue"}
		v := by("Zhou Kai", run.Approve, sc.plan)
		v.Only, v.Hold, v.Part = []string{"Sales"}, []string{"#4"}, []int{3, 5}
		sc.votes, sc.run.HeldBack = []run.Vote{v}, 4
		return sc
	}
	all["awaiting_approval.undo"] = func(w *world) scene {
		sc := sceneOf(w, run.Awaiting)
		sc.previous, sc.voters = former{}, voters{names: []string{"Zhou Kai"}, known: true}
		sc.run.Undoes = "703020"
		sc.plan.Notes = []plan.Note{
			{Kind: plan.Irreversible, Name: "Wang Lei", Say: "was deleted, and WeCom restores nobody / 已删除，企业微信不能恢复"},
			{Kind: plan.Irreversible, Name: "Zhao Yi", Say: "was changed since / 之后又被改过"},
			{Kind: plan.Kept, Name: "Ma Ke", Say: "kept / 保持不动"},
		}
		return sc
	}
	all["awaiting_approval.paused"] = func(w *world) scene {
		sc := sceneOf(w, run.Awaiting)
		sc.voters = voters{names: []string{"Zhou Kai"}, known: true}
		sc.pause = run.Pause{Flow: everything, Until: morning.Add(time.Hour), Why: "stocktaking / 盘点"}
		return sc
	}
	all["awaiting_approval.nobody"] = func(w *world) scene {
		sc := sceneOf(w, run.Awaiting)
		sc.voters = voters{known: true}
		sc.run.By, sc.run.Behind, sc.run.Trigger, sc.run.Votes = run.Actor{Platform: run.Clock}, "Li Min", run.BySchedule, 2
		return sc
	}
	all["awaiting_approval.adopt"] = func(w *world) scene {
		sc := sceneOf(w, run.Awaiting)
		sc.plan.Changes = sc.plan.Changes[:2]
		for i := range 12 {
			sc.plan.Changes = append(sc.plan.Changes, plan.Change{
				Seq: 3 + i, Op: plan.Adopt, Key: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("wx%02d", i))}, Name: "Wei Lan", Reason: "same employee number / 工号相同",
			})
		}
		sc.plan.Risk = plan.Assessment{Tier: 1, Votes: 1, Reasons: []plan.Finding{{Code: plan.FindAdopt, Tier: 1, Have: 12}}}
		sc.run.Counts, sc.run.Plan, sc.voters = sc.plan.Counts(), sc.plan.Digest(), voters{names: []string{"Chen Yue"}, known: true}
		return sc
	}
	all["planned.narrowed"] = func(w *world) scene {
		sc := sceneOf(w, run.Planned)
		sc.run.Dept, sc.run.Kind = "/HQ/R&D", directory.User
		return sc
	}
}

func workingScenes(all map[string]func(w *world) scene) {
	all["applying.progress"] = func(w *world) scene {
		sc := sceneOf(w, run.Applying)
		sc.entries = entriesOf(run.StepDone, run.StepFailed, run.StepDone, run.StepSending, run.StepPending, run.StepPending, run.StepPending)
		sc.run.Outcome = run.Outcome{Done: 2, Failed: 1}
		return sc
	}
	all["applying.paused"] = func(w *world) scene {
		sc := all["applying.progress"](w)
		sc.pause = run.Pause{Flow: "hr-to-wecom", Why: "the source looks odd / 来源不对劲", Auto: true}
		return sc
	}
	all["applying.glass"] = func(w *world) scene {
		sc := all["applying.progress"](w)
		sc.run.Glass = run.Actor{Person: "Boss", Platform: run.CLI, Channel: run.FromCLI}
		v := by("Boss", run.BreakGlass, sc.plan)
		v.By.Platform, v.By.Channel, v.Reason = run.CLI, run.FromCLI, "nobody answers, ticket 4711"
		sc.votes = []run.Vote{v}
		return sc
	}
}

func endedScenes(all map[string]func(w *world) scene) {
	done := entriesOf(run.StepDone, run.StepDone, run.StepDone, run.StepDone, run.StepAlready, run.StepDone, run.StepDone)
	all["succeeded.done"] = func(w *world) scene {
		sc := sceneOf(w, run.Succeeded)
		sc.entries = done
		return sc
	}
	all["succeeded.glass"] = func(w *world) scene {
		sc := all["applying.glass"](w)
		sc.run.State, sc.run.Ended, sc.run.Outcome, sc.entries = run.Succeeded, morning.Add(time.Minute), run.Outcome{Done: 6, Already: 1}, done
		return sc
	}
	all["succeeded.undo"] = func(w *world) scene {
		sc := all["succeeded.done"](w)
		sc.run.Undoes, sc.run.UndoItem = "703020", 3
		return sc
	}
	all["partial.held"] = func(w *world) scene {
		sc := sceneOf(w, run.Partial)
		sc.votes[0].Hold, sc.votes[0].Part = []string{"Feng Jiu", "Chu Shi"}, []int{3, 4, 5}
		sc.run.HeldBack, sc.run.Outcome = 2, run.Outcome{Done: 5, Skipped: 2}
		sc.entries = entriesOf(run.StepDone, run.StepDone, run.StepDone, run.StepDone, run.StepDone, run.StepSkipped, run.StepSkipped)
		sc.entries[5].Say, sc.entries[6].Say = "held back by Zhou Kai / 被 Zhou Kai 保留", "held back by Zhou Kai / 被 Zhou Kai 保留"
		return sc
	}
	all["failed.credential"] = func(w *world) scene {
		sc := sceneOf(w, run.Failed)
		sc.run.Fault = "credential"
		return sc
	}
	all["expired.partial"] = func(w *world) scene {
		sc := sceneOf(w, run.Expired)
		sc.entries = entriesOf(run.StepDone, run.StepDone)
		sc.run.Outcome = run.Outcome{Done: 2}
		return sc
	}
}

// cardWorld is a world in which one approver has a one-time password and a
// number.
func cardWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.b.o.People[1].TOTP, w.b.o.People[1].EmployeeNo = true, "00120412"
	return w
}
