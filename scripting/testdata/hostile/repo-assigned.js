// want: refused: repo may be used only
// tries: another repo
repo = {}
