// want: refused: repo may be used only
// tries: repo written with an escape
var r = r\u0065po
r.executeDelete()
