// want: overstayed
// tries: a reviver that never ends
JSON.parse('[1]', function () { for (;;); })
