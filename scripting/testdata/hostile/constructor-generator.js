// want: threw: TypeError: code from text
// tries: GeneratorFunction
Object.getPrototypeOf(function* () {}).constructor("yield 1")().next()
