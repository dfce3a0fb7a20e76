// want: died: memory | overstayed
// tries: promises that fail
for (;;) Promise.reject(1)
