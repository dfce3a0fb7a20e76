// want: refused: repo may be used only
// tries: repo as an argument
(function (r) { r.executeDelete() })(repo)
