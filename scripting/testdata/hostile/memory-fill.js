// want: died: memory | died: killed | overstayed
// tries: an array filled
new Array(5e8).fill(1)
