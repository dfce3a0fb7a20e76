// want: refused: repo may be used only
// tries: a parameter called repo
(function (repo) { repo.executeDelete() })({})
