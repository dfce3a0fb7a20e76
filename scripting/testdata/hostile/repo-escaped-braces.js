// want: refused: repo may be used only
// tries: repo written with another escape
var r = \u{72}epo
r.executeDelete()
