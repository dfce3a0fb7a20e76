// want: refused: repo may be used only
// tries: an alias of repo
var r = repo
r.executeDelete()
