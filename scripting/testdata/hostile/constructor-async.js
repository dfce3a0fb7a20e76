// want: threw: TypeError: code from text
// tries: AsyncFunction
Object.getPrototypeOf(async function () {}).constructor("await 1")()
