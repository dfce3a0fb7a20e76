// want: overstayed | refused: not valid JavaScript
// tries: for await without end
async function* all() { for (;;) yield 1 }
(async function () { for await (var x of all()) {} })()
