// want: overstayed
// tries: a template function that never ends
(function () { for (;;); })`x`
