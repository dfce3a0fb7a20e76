// want: died: memory | died: killed | overstayed
// tries: a replacement that grows
var s = "a"
for (;;) s = s.replace(/a/g, "aa")
