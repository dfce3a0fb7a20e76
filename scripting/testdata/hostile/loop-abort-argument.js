// want: failed: repo.abort takes
// tries: an argument whose text never ends
repo.abort({ toString() { for (;;); } })
