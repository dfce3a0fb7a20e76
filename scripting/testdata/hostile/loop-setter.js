// want: overstayed
// tries: a setter that never ends
({ set x(v) { while (true) {} } }).x = 1
