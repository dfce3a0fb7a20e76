// want: overstayed
// tries: a trap that never ends
new Proxy({}, { get() { for (;;); } }).x
