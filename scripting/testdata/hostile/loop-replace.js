// want: overstayed
// tries: a replacement that never ends
"a".replace(/a/, function () { for (;;); })
