// want: overstayed
// tries: a date part that never ends
new Date(2026, { valueOf() { for (;;); } })
