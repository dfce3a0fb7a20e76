// want: threw: TypeError: code from text
// tries: eval by the global object
globalThis["ev" + "al"]("1")
