// want: refused: repo may be used only
// tries: to delete a function of repo
delete repo.executeCreate
