// want: threw: TypeError: code from text | threw: TypeError
// tries: a class that extends Function
class F extends Function {}
new F("return 1")()
