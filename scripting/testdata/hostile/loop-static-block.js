// want: overstayed
// tries: a static block that never ends
class A { static { for (;;); } }
