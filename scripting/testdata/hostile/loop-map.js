// want: overstayed
// tries: a callback that never ends
[1].map(function () { for (;;); })
