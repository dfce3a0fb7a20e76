// want: overstayed | died: memory
// tries: to collect an iterator without end
Array.from({ [Symbol.iterator]() { return { next() { return { done: false, value: 1 } } } } })
