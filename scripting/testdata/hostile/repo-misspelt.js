// want: refused: repo has no function
// tries: a function that is not there
repo.executeDeleteAll()
