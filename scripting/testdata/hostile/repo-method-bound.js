// want: refused: repo may be used only
// tries: a bound function of repo
repo.executeDelete.bind(repo)()
