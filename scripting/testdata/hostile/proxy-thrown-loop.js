// want: overstayed
// tries: to throw a proxy whose text never ends
throw new Proxy({}, { get() { for (;;); } })
