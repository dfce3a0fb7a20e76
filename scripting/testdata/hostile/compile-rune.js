// want: harmless | refused: stumbled
// tries: a text that the parser gives up on
// whole
var s = "\u{10ffff}"
