// want: overstayed
// tries: generators that delegate without end
function* a() { yield 1; yield* a() }
for (var x of a()) {}
