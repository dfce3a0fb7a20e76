// want: refused: repo may be used only
// tries: repo as a property
var o = { repo }
o.repo.executeDelete()
