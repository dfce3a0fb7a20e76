// want: died: memory | died: killed | overstayed | threw
// tries: an array by its length
Array.from({ length: 4e9 })
