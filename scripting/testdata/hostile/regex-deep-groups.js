// want: threw | harmless | died: nesting | overstayed
// tries: a hundred thousand groups
new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')
