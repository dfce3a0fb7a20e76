// want: died: memory | died: killed | overstayed
// tries: promises that fail
for (;;) Promise.reject(1)
