// want: refused: repo may be used only
// tries: one function of repo
var f = repo.executeDelete
f()
