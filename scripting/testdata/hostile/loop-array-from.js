// want: overstayed | died: memory | died: killed
// tries: to collect an iterator without end
Array.from({ [Symbol.iterator]() { return { next() { return { done: false, value: 1 } } } } })
