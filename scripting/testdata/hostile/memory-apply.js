// want: died: memory | died: killed | overstayed | threw
// tries: a call with two hundred million arguments
Math.max.apply(null, { length: 2e8 })
