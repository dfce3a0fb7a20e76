// want: overstayed
// tries: a toJSON that never ends
JSON.stringify({ toJSON() { for (;;); } })
