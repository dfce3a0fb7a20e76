// want: died: memory | died: killed | overstayed
// tries: a regular expression with a million results
"a".repeat(1e7).match(/a/g).map(function (x) { return x + x })
