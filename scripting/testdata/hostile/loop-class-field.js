// want: overstayed
// tries: a class field that never ends
class A { x = (() => { for (;;); })() }
new A()
