// want: failed: repo.getObjectByID
// tries: to write into an object that was looked up
var [found] = [repo.getObjectByID("d1")]
found.name = "x"
