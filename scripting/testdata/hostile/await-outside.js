// want: refused: not valid | threw
// tries: to wait outside an async function
// whole
await null
