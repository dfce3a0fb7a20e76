// want: failed: repo.getObjectByID takes
// tries: an id whose text never ends
repo.getObjectByID({ toString() { for (;;); } })
