// Package ruletest runs the tests that stand beside a rule: users.test.yaml beside
// users.js.
//
//	kind: user                    # or department; user when left out
//	zone: Asia/Shanghai           # of dates and today(); else that of the configuration, else UTC
//	now: 2026-07-22 09:30         # in the zone; needed when the rule asks for the time
//	types: {hiredate: date, level: int}   # declared attributes: missing ones are empty, not undefined
//	objects:                      # what repo.getObjectByID finds, besides the case's own object
//	  - {kind: department, id: d1, data: {name: 研发部}}
//	base: {name: 张三, email: san@example.com}   # data of every case, overwritten by its own; null takes away
//	cases:
//	  - name: starts next month
//	    id: "0007"                # "case-1", "case-2", … when left out
//	    operation: CREATE         # proposed: CREATE, UPDATE, DISABLE, DELETE or NONE
//	    data: {hiredate: 2026-08-01}
//	    hidden: [email]           # attributes that the source does not show
//	    target: {title: 工程师}    # the account; left out: none with CREATE, else an empty one
//	    expect:
//	      operation: HELD         # CREATE, UPDATE, DISABLE, DELETE, NONE, or HELD, ABORTED, ERROR
//	      data: {title: 研发部}    # exactly what the rule changed; {} nothing; left out: not looked at
//	      reason: not hired yet   # context.reason, whole
//	      error: is hidden        # a part of the error's sentence, in either language
//	      line: 3                 # of the rule's decision or error
//
// A test of a rule that is wrong names the line of the test file, what was expected
// and what came.
//
// # Cases
//
// Each case has a name of its own, an operation, and an expect with at least one
// key. An error that no case expects is a failure, whatever else is expected.
// target: null is no account; without one only CREATE and NONE can be proposed, and
// CREATE only without one.
//
// There is no mapping in a test. Where a plan would map and compare again after a
// rule changed the data, a test takes the proposal as it stands, with one exception:
// when data was changed and returned and there is an account, a proposed NONE counts
// as UPDATE.
//
// # Values
//
// types are of the rule's own kind: text, int, bool, date, list or refs. Without a
// type, what is written decides: 2026-07-22 and 2026-07-22 09:30 are dates, "…" is
// text, 5 a number, true and false are truth values, [a, b] is a list. departments,
// groups and leads are lists of ids, manager and parent are one id. A date in quotes
// is text unless its type is date; digits with a leading zero want quotes or the type
// text. In expect.data, null is an empty value. What a target holds has no declared
// types.
//
// # Coverage
//
// A line counts when a statement begins on it, and is covered when all that begin on
// it have run: of `if (a) { b() }` the condition and the call. The parts of one
// expression, such as a ? b : c, are not told apart.
package ruletest
