// want: overstayed
// tries: an async function without end
(async function () { while (true) await null })()
