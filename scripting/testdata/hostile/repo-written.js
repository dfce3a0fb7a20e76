// want: refused: repo may be used only
// tries: another function in repo
repo.executeCreate = function () {}
