// want: died: memory | died: killed | overstayed
// tries: a text of 300 MiB
'x'.repeat(300 * 1024 * 1024).length
