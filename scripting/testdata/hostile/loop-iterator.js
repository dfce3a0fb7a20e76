// want: overstayed
// tries: an iterator without end
for (var x of { [Symbol.iterator]() { return { next() { return { done: false } } } } }) {}
