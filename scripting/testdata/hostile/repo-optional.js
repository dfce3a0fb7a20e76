// want: refused: repo may be used only | refused: not valid
// tries: repo by an optional chain
repo?.executeDelete()
