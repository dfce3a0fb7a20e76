// want: threw: TypeError: code from text | threw: TypeError
// tries: Reflect.construct of Function
Reflect.construct(Function, ["return 1"])()
