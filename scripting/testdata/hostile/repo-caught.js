// want: refused: repo may be used only
// tries: a caught error called repo
try { throw 1 } catch (repo) {}
