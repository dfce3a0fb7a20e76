// want: threw: TypeError: code from text | threw: TypeError
// tries: Reflect.construct with another target
Reflect.construct((function () {}).constructor, ["return 1"], Object)()
