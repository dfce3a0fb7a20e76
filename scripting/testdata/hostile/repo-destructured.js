// want: refused: repo may be used only
// tries: repo taken apart
var { executeDelete } = repo
executeDelete()
