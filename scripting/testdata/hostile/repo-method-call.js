// want: refused: repo may be used only
// tries: call of a function of repo
repo.executeDelete.call(repo)
