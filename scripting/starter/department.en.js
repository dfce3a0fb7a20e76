/// <reference path="./rollcall.department.d.ts" />
// Decides about one department. It is the body of a function: it runs once for each department
// while a plan is made, and writes nothing itself. All of it: docs/rules.md.
//
// As it stands it decides nothing: what Rollcall proposes stands. Uncomment what you need, and
// try it: rollcall rules test FILE.

// Departments that only HR knows are not created.
// if (context.data.name.startsWith("(internal)")) { repo.abort("CREATE"); }

// A vanished department is kept, even when it is empty.
// repo.abort("DELETE");

// Another name in the target.
// context.data.name = context.data.name.replace(/ Department$/, "");

// Without this line, changes to context.data are held.
return context;
