// want: refused: repo may be used only
// tries: a copy of repo
var r = { ...repo }
