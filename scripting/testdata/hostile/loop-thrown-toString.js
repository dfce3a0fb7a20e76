// want: overstayed
// tries: a text that never ends, asked for behind the rule
throw { toString() { for (;;); } }
