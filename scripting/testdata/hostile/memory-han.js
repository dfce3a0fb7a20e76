// want: died: memory | died: killed | overstayed
// tries: a text of 300 Mi Chinese characters
'张'.repeat(300 * 1024 * 1024).length
