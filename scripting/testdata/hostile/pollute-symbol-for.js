// want: harmless
// tries: a symbol that all share
Symbol.for("x").description
