// want: overstayed
// tries: a call trap that never ends
new Proxy(function () {}, { apply() { for (;;); } })()
