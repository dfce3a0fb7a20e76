// want: overstayed
// tries: a comparison that never ends
[3, 1, 2].sort(function () { for (;;); })
