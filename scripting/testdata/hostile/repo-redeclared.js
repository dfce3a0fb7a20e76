// want: refused: repo may be used only
// tries: a repo of its own
var repo = { executeDelete() {} }
