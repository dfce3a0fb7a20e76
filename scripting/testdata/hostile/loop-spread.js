// want: overstayed | died: memory | died: killed
// tries: to spread an iterator without end
[...{ [Symbol.iterator]() { return { next() { return { done: false, value: 1 } } } } }]
