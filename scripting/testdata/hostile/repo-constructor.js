// want: refused
// tries: the constructor of a function of repo
repo.abort.constructor("return 1")()
