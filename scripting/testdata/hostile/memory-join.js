// want: died: memory | died: killed | overstayed
// tries: two hundred million separators
new Array(2e8).join('ab')
