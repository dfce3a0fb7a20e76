// want: threw: TypeError: code from text | threw: TypeError
// tries: a class that extends GeneratorFunction
var G = Object.getPrototypeOf(function* () {}).constructor
class F extends G {}
new F("yield 1")
