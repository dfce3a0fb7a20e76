/// <reference path="./rollcall.user.d.ts" />
// Decides about one person. It is the body of a function: it runs once for each person while a
// plan is made, and writes nothing itself. All of it: docs/rules.md.
//
// As it stands it decides nothing: what Rollcall proposes stands. Uncomment what you need, and
// try it: rollcall rules test FILE, rollcall rules try FLOW PERSON --rule FILE.

// Nobody gets an account before the first day. Once executeCreate stands in the text, everybody
// for whom it is not called is held, and listed as held.
// if (context.data.hiredate - today() <= 0) { repo.executeCreate(); } else { context.reason = "starts later"; }

// These accounts are never touched, whatever is proposed.
// if (context.data.title === "CEO") { repo.abort(); }

// No update of this kind of address; create, disable and delete go on.
// if (context.data.email.contain("@partner.example.com")) { repo.abort("UPDATE"); }

// Another value than the source's. The department's name, by its id:
// var department = repo.getObjectByID(context.data.DeptID, "department");
// if (department) { context.data.title = department.name; }

// An account name that nobody else has: zhangsan, zhangsan2, … An account keeps the name it has.
// context.data.account = unique(pinyin(context.data.name));

// Without this line, changes to context.data are held.
return context;
