// want: failed: repo.getObjectByID
// tries: to write into an object that was looked up
repo.getObjectByID("d1").name = "x"
