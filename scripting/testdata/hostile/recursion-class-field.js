// want: depth | overstayed
// tries: through a class field
class A { x = new A() }
new A()
