// want: overstayed
// tries: a species that never ends
class L extends Array { static get [Symbol.species]() { for (;;); } }
new L().map(String)
