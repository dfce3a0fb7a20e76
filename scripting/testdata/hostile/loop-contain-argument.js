// want: overstayed
// tries: a needle whose text never ends
"x".contain({ toString() { for (;;); } })
